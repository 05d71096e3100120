// server/inference/call_checks.h -- what every operation asks and counts, whatever it computes.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/inference/call.h"
#include "server/repository/model_repository.h"

namespace attentiond {

/// kCancelled or kDeadlineExceeded when nobody waits for the call any more.
absl::Status CheckWanted(const Call& call, absl::Time now);

/// Counts `rows` rows of `model` that `status` ends before they were queued, when it is one of the
/// reasons for which work is turned away.
void CountRejected(const LoadedModel& model, const absl::Status& status, int64_t rows);

/// Counts an ended request in the model's statistics. `rows`: how many it had.
void RecordRequest(const LoadedModel& model, const Call& call, const absl::Status& status,
                   int64_t rows, const CallTiming& timing, absl::Time now);

}  // namespace attentiond
