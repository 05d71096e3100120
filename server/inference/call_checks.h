// server/inference/call_checks.h -- whether a call is still worth working on.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/inference/call.h"
#include "server/repository/model_repository.h"

namespace attentiond {

/// kCancelled or kDeadlineExceeded when nobody waits for the call any more. Then its `rows` rows
/// are counted as dropped.
absl::Status CheckWanted(const Call& call, const LoadedModel& model, int64_t rows, absl::Time now);

}  // namespace attentiond
