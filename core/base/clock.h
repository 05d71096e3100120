// core/base/clock.h -- time, injected, so that deadlines and delays are tested without sleeping.
#pragma once

#include "absl/time/time.h"
#include "core/base/mutex.h"

namespace attentiond {

/// Where code gets the time from. Threads: every method may be called concurrently.
class Clock {
 public:
  virtual ~Clock() = default;
  /// The time now. Steps of the system's wall clock do not move it: the real clock starts at the
  /// wall clock's time and then follows the monotonic one.
  virtual absl::Time Now() = 0;
  /// Waits on `condition` until it is signalled or `deadline` has come (absl::InfiniteFuture(): for
  /// ever), whichever is first; may wake spuriously. `mutex` is released meanwhile.
  virtual void WaitUntil(CondVar* condition, Mutex* mutex, absl::Time deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) = 0;
  /// The process's real clock; never destroyed.
  static Clock* Real();
};

}  // namespace attentiond
