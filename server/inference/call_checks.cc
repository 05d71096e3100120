#include "server/inference/call_checks.h"

namespace attentiond {

absl::Status CheckWanted(const Call& call, absl::Time now) {
  if (call.cancelled.load(std::memory_order_relaxed)) {
    return absl::CancelledError("the caller cancelled the request");
  }
  if (call.deadline <= now) {
    return absl::DeadlineExceededError("the deadline passed before the request was computed");
  }
  return absl::OkStatus();
}

void CountRejected(const LoadedModel& model, const absl::Status& status, int64_t rows) {
  if (absl::IsCancelled(status)) {
    model.metrics->OnDropped(DropReason::kCancelled, rows);
  } else if (absl::IsDeadlineExceeded(status)) {
    model.metrics->OnDropped(DropReason::kDeadlineBeforeQueue, rows);
  } else if (absl::IsResourceExhausted(status)) {
    model.metrics->OnDropped(DropReason::kQueueFull, rows);
  } else if (absl::IsUnavailable(status)) {
    model.metrics->OnDropped(DropReason::kShutDown, rows);
  }
}

void RecordRequest(const LoadedModel& model, const Call& call, const absl::Status& status,
                   int64_t rows, const CallTiming& timing, absl::Time now) {
  const absl::Duration total = now - call.arrival;
  if (status.ok()) {
    // The reply is written by the transport, after this.
    const absl::Duration output = absl::ZeroDuration();
    model.statistics->RecordSuccess(static_cast<uint64_t>(rows), now, total, timing.queue,
                                    timing.tokenize, timing.compute, output);
  } else {
    model.statistics->RecordFailure(total);
  }
}

}  // namespace attentiond
