#include "server/generation/generation_runner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/engine/text_generator.h"

namespace attentiond {

/// A task that leaves, and with what.
struct GenerationRunner::Ending {
  Running running;
  absl::StatusOr<GenerationResult> result;
  bool is_drop = false;  // it was not wanted any more
};

GenerationRunner::GenerationRunner(std::shared_ptr<const Model> model, const Options& options,
                                   Clock* clock)
    : model_(std::move(model)),
      options_(options),
      clock_(clock),
      generation_(model_->AsTextGenerator()->NewGeneration(options.cache_bytes)) {}

GenerationRunner::~GenerationRunner() = default;

int64_t GenerationRunner::RowsOf(const GenerationInput& input) {
  return std::max(input.options.num_beams, input.options.num_return_sequences);
}

absl::Status GenerationRunner::CheckSize(const GenerationInput& input) const {
  const int64_t pages = generation_->PagesFor(input);
  if (pages <= generation_->total_pages()) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the request may need ", pages, " pages of keys and values, the cache has ",
                   generation_->total_pages(),
                   ": ask for fewer new tokens or beams, or raise --kv-cache-bytes"));
}

bool GenerationRunner::TakeRoom(const GenerationTask& task) {
  const int64_t pages = generation_->PagesFor(task.input());
  const int64_t rows = RowsOf(task.input());
  const int64_t free = generation_->total_pages() - generation_->reserved_pages() - pages_taken_;
  const int64_t rows_before = generation_->num_rows() + rows_taken_;
  if (pages > free || (rows_before > 0 && rows_before + rows > options_.max_rows)) return false;
  pages_taken_ += pages;
  rows_taken_ += rows;
  return true;
}

void GenerationRunner::RemoveUnwanted(std::vector<Ending>* endings) {
  const absl::Time now = clock_->Now();
  for (auto it = running_.begin(); it != running_.end();) {
    const GenerationTask& task = *it->second.task;
    absl::Status reason;
    if (task.cancelled()) reason = absl::CancelledError("cancelled while it was decoded");
    if (task.deadline() <= now) {
      reason = absl::DeadlineExceededError("the deadline passed while it was decoded");
    }
    if (reason.ok()) {
      ++it;
      continue;
    }
    generation_->Remove(it->first);
    endings->push_back({std::move(it->second), reason, /*is_drop=*/true});
    it = running_.erase(it);
  }
}

void GenerationRunner::FailAll(const absl::Status& status, std::vector<Ending>* endings) {
  for (auto& [key, running] : running_) {
    generation_->Remove(key);
    endings->push_back({std::move(running), status});
  }
  running_.clear();
}

StepReport GenerationRunner::Step(std::vector<std::unique_ptr<BatchTask>> joining,
                                  ExecutionContext& context) {
  auto endings = std::make_shared<std::vector<Ending>>();
  auto tokens = std::make_shared<std::vector<std::pair<GenerationTask*, int32_t>>>();
  RemoveUnwanted(endings.get());
  pages_taken_ = rows_taken_ = 0;
  for (std::unique_ptr<BatchTask>& task : joining) {
    Running running{std::unique_ptr<GenerationTask>(static_cast<GenerationTask*>(task.release())),
                    {}};
    running.times.joined = clock_->Now();
    running.times.first_token = absl::InfiniteFuture();
    generation_->Add(next_key_, running.task->TakeInput());
    running_.emplace(next_key_++, std::move(running));
  }
  StepReport report;
  report.tasks = static_cast<int64_t>(running_.size());
  GenerationStep step;
  const absl::Status status = generation_->Step(context, &step);
  report.tokens = step.source_tokens + step.decoded_rows;
  if (!status.ok()) FailAll(status, endings.get());
  const absl::Time now = clock_->Now();
  for (auto& [key, running] : running_) {
    running.times.first_token = std::min(running.times.first_token, now);
    running.times.last_token = now;
  }
  for (const auto& [key, token] : step.new_tokens) {
    const auto found = running_.find(key);
    if (found != running_.end()) tokens->emplace_back(found->second.task.get(), token);
  }
  for (auto& [key, result] : step.finished) {
    const auto found = running_.find(key);
    if (found == running_.end()) continue;
    endings->push_back({std::move(found->second), std::move(result)});
    running_.erase(found);
  }
  num_running_ = static_cast<int64_t>(running_.size());
  report.complete = [endings, tokens]() {
    for (const auto& [task, token] : *tokens) task->OnToken(token);
    for (Ending& ending : *endings) {
      if (ending.is_drop) {
        ending.running.task->Drop(ending.result.status());
      } else {
        ending.running.task->Finish(std::move(ending.result), ending.running.times);
      }
    }
  };
  return report;
}

void GenerationRunner::Abort(const absl::Status& reason) {
  for (auto& [key, running] : running_) {
    generation_->Remove(key);
    running.task->Drop(reason);
  }
  running_.clear();
  num_running_ = 0;
}

}  // namespace attentiond
