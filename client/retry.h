// client/retry.h -- when a failed call is tried again, and when it is given up.
//
// UNAVAILABLE (the server is starting, draining or not there) and RESOURCE_EXHAUSTED (it is
// shedding load) are safe to repeat: the server promises that such a request cost no compute.
// Everything else is final. Source: the retry advice of google/rpc/error_details.proto (RetryInfo).
#pragma once

#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/clock.h"

namespace attentiond::client {

struct RetryOptions {
  int max_attempts = 5;  ///< the first one included; 1: never retry
  absl::Duration initial_backoff = absl::Milliseconds(100);
  absl::Duration max_backoff = absl::Seconds(5);  ///< caps the backoff, not the server's RetryInfo
  double multiplier = 2.0;                        ///< of the backoff, per attempt
  /// A wait is stretched by a random factor in [1, 1 + jitter), so that clients which failed
  /// together do not come back together.
  double jitter = 0.5;
};

/// Numbers in [0, 1).
using RandomSource = std::function<double()>;

/// Seeded by the system. The result may be called from any threads at once.
RandomSource SystemRandom();

/// True for the codes that a repeated attempt may mend.
bool IsRetryable(const absl::Status& status);

/// How long to wait after attempt number `attempt` (from 1) failed with `status`; nullopt: give up,
/// because the error is final, the attempts are used up, or the wait would end at or past
/// `deadline`. The wait is at least the server's RetryInfo where `status` carries one.
std::optional<absl::Duration> NextDelay(const RetryOptions& options, int attempt,
                                        const absl::Status& status, absl::Time now,
                                        absl::Time deadline, const RandomSource& random);

/// Calls `attempt` until it succeeds or NextDelay() gives up, and waits in between on `clock`.
/// Returns the last attempt's status, unchanged. Blocks.
absl::Status CallWithRetry(const RetryOptions& options, Clock* clock, const RandomSource& random,
                           absl::Time deadline, const std::function<absl::Status()>& attempt);

}  // namespace attentiond::client
