// server/inference/call_checks.cc -- whether a call is still worth working on.
#include "server/inference/call_checks.h"

namespace attentiond {

absl::Status CheckWanted(const Call& call, const LoadedModel& model, int64_t rows, absl::Time now) {
  if (call.cancelled.load(std::memory_order_relaxed)) {
    model.metrics->OnDropped(DropReason::kCancelled, rows);
    return absl::CancelledError("the caller cancelled the request");
  }
  if (call.deadline <= now) {
    model.metrics->OnDropped(DropReason::kDeadlineBeforeQueue, rows);
    return absl::DeadlineExceededError("the deadline passed before the request was computed");
  }
  return absl::OkStatus();
}

}  // namespace attentiond
