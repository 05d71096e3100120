// server/generation/generation_runner.h -- the running batch of a model that writes text, with the
// tasks that wait for what it writes.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "core/base/clock.h"
#include "core/engine/model.h"
#include "core/generate/generation.h"
#include "core/ops/execution_context.h"
#include "server/batching/batch_scheduler.h"
#include "server/generation/generation_task.h"

namespace attentiond {

/// All tasks are GenerationTasks. Threads: one at a time, as StepRunner; counts from any.
class GenerationRunner {
 public:
  struct Options {
    int64_t cache_bytes = int64_t{1} << 30;  ///< of pages of keys and values
    int64_t max_rows = 256;                  ///< beams that run at once; one task may have more
  };

  /// `model` is a text generator. `clock` is borrowed.
  GenerationRunner(std::shared_ptr<const Model> model, const Options& options, Clock* clock);
  ~GenerationRunner();

  // As StepRunner's.
  bool TakeRoom(const GenerationTask& task);
  StepReport Step(std::vector<std::unique_ptr<BatchTask>> joining, ExecutionContext& context);
  bool running() const { return num_running_.load(std::memory_order_relaxed) > 0; }
  void Abort(const absl::Status& reason);

  /// Any thread. Whether `input` could ever run: kResourceExhausted names the pages that it needs
  /// and those that there are.
  absl::Status CheckSize(const GenerationInput& input) const;
  int64_t num_running() const { return num_running_.load(std::memory_order_relaxed); }
  int64_t used_pages() const { return generation_->used_pages(); }
  int64_t reserved_pages() const { return generation_->reserved_pages(); }
  int64_t total_pages() const { return generation_->total_pages(); }

 private:
  struct Running {
    std::unique_ptr<GenerationTask> task;
    GenerationTimes times;
  };
  struct Ending;

  void RemoveUnwanted(std::vector<Ending>* endings);
  void FailAll(const absl::Status& status, std::vector<Ending>* endings);
  static int64_t RowsOf(const GenerationInput& input);

  const std::shared_ptr<const Model> model_;
  const Options options_;
  Clock* const clock_;
  const std::unique_ptr<Generation> generation_;
  // Room of tasks that have it and have not joined yet.
  int64_t pages_taken_ = 0, rows_taken_ = 0;
  int64_t next_key_ = 0;
  std::map<int64_t, Running> running_;  // by key
  std::atomic<int64_t> num_running_{0};
};

}  // namespace attentiond
