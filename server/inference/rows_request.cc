// server/inference/rows_request.cc -- from Start() to the one End().
#include "server/inference/rows_request.h"

#include <algorithm>
#include <utility>

#include "server/inference/call_checks.h"

namespace attentiond {

RowsRequest::RowsRequest(std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
                         uint64_t group, size_t rows, Clock* clock)
    : model_(std::move(model)),
      call_(std::move(call)),
      group_(group),
      num_rows_(static_cast<int64_t>(rows)),
      clock_(clock),
      created_(clock->Now()),
      rows_left_(num_rows_) {}

void RowsRequest::Start() {
  const absl::Status prepared = Prepare();
  if (!prepared.ok() || rows_left_ == 0) return End(prepared);
  queued_ = clock_->Now();
  std::vector<std::unique_ptr<BatchTask>> tasks = MakeTasks();
  const absl::Status queued = model_->queue->Schedule(&tasks);
  if (!queued.ok()) End(queued);
}

void RowsRequest::Reject(DropReason reason, const absl::Status& status) {
  model_->metrics->OnDropped(reason, num_rows_);
  End(status);
}

void RowsRequest::End(const absl::Status& status) {
  if (ended_.exchange(true, std::memory_order_relaxed)) return;
  CallTiming timing;
  Record([&timing](const CallTiming& recorded) { timing = recorded; });
  Answer(status, timing);
}

absl::Status RowsRequest::CheckStillWanted() const {
  return CheckWanted(*call_, *model_, num_rows_, clock_->Now());
}

void RowsRequest::OnPrepared(int64_t input_tokens, bool converted) {
  const absl::Duration elapsed = clock_->Now() - created_;
  if (converted) model_->metrics->ObserveTokenize(elapsed);
  Record([&](CallTiming& timing) {
    if (converted) timing.tokenize = elapsed;
    timing.input_tokens = input_tokens;
  });
}

void RowsRequest::Record(absl::FunctionRef<void(CallTiming& timing)> record) {
  MutexLock lock(&mutex_);
  record(timing_);
}

void RowsRequest::EndRows(int64_t rows, const absl::Status& status) {
  rows_left_ -= rows;
  if (!status.ok() || rows_left_ == 0) End(status);
}

void RowsRequest::EndRowsInBatch(const BatchRun& run) {
  const int64_t rows = std::exchange(rows_in_batch_, 0);
  if (rows == 0) return;  // told of already
  Record([&](CallTiming& timing) {
    timing.queue = std::max(timing.queue, run.start - queued_);
    timing.compute += run.compute;
    ++timing.batches;
  });
  EndRows(rows, run.status);
}

}  // namespace attentiond
