// tests/client/stepping_clock.h -- a clock whose waits end at once, with the time moved to their
// deadline: one thread can run through minutes of retries or load without sleeping.
#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "core/base/clock.h"

namespace attentiond::client {

class SteppingClock final : public Clock {
 public:
  absl::Time Now() override {
    MutexLock lock(&mutex_);
    return now_;
  }
  void WaitUntil(CondVar* /*condition*/, Mutex* /*mutex*/, absl::Time deadline) override {
    MutexLock lock(&mutex_);
    now_ = std::max(now_, deadline);
  }
  void Advance(absl::Duration duration) {
    MutexLock lock(&mutex_);
    now_ += duration;
  }

 private:
  Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_) = absl::FromUnixSeconds(1'700'000'000);
};

}  // namespace attentiond::client
