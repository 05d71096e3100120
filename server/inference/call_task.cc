// server/inference/call_task.cc -- one call after another, on the executor.
#include "server/inference/call_task.h"

#include <algorithm>
#include <utility>

#include "server/inference/call_checks.h"

namespace attentiond {

CallTask::CallTask(Work work, Clock* clock)
    : work_(std::move(work)), clock_(clock), queued_(clock->Now()) {
  work_.tokens = std::max(int64_t{1}, work_.tokens);
  timing_.input_tokens = work_.tokens;
}

absl::Status CallTask::Compute(ExecutionContext& context) {
  const absl::Time start = clock_->Now();
  timing_.queue = start - queued_;
  // The calls before it in the batch may have taken long.
  absl::Status status = CheckWanted(*work_.call, *work_.model, 1, start);
  if (status.ok()) {
    status = work_.compute(context);
    timing_.compute = clock_->Now() - start;
    timing_.batches = 1;
    work_.model->metrics->AddTokens("input", work_.tokens);
  }
  return status;
}

void CallTask::Finish(const absl::Status& status) {
  std::exchange(work_.done, nullptr)(status, timing_);
}

BatchCompletion CallTask::RunBatch(std::vector<std::unique_ptr<BatchTask>> batch,
                                   ExecutionContext& context) {
  std::vector<absl::Status> statuses;
  statuses.reserve(batch.size());
  for (const std::unique_ptr<BatchTask>& task : batch) {
    statuses.push_back(static_cast<CallTask&>(*task).Compute(context));
  }
  static_cast<CallTask&>(*batch.front()).work_.model->statistics->RecordExecution();
  return [batch = std::move(batch), statuses = std::move(statuses)]() mutable {
    for (size_t i = 0; i < batch.size(); ++i) {
      static_cast<CallTask&>(*batch[i]).Finish(statuses[i]);
      batch[i].reset();
    }
  };
}

}  // namespace attentiond
