// tests/testing/fake_clock.h -- a clock that moves only when a test says so.
#pragma once

#include <algorithm>
#include <list>
#include <vector>

#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace attentiond::testing {

/// Threads: every method may be called concurrently; Advance() not while a mutex is held that some
/// thread waits with. What waits on the clock must outlive a concurrent Advance().
class FakeClock final : public Clock {
 public:
  explicit FakeClock(absl::Time start = absl::FromUnixSeconds(1'000'000)) : now_(start) {}

  absl::Time Now() override {
    MutexLock lock(&mutex_);
    return now_;
  }

  void WaitUntil(CondVar* condition, Mutex* mutex, absl::Time deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) override {
    std::list<Sleeper>::iterator self;
    {
      MutexLock lock(&mutex_);
      if (now_ >= deadline) return;
      self = sleepers_.insert(sleepers_.end(), {condition, mutex, deadline});
    }
    fell_asleep_.SignalAll();
    condition->Wait(mutex);
    MutexLock lock(&mutex_);
    sleepers_.erase(self);
  }

  /// Moves the time on and wakes whose deadline has come.
  void Advance(absl::Duration step) {
    std::vector<Sleeper> due;
    {
      MutexLock lock(&mutex_);
      now_ += step;
      std::copy_if(sleepers_.begin(), sleepers_.end(), std::back_inserter(due),
                   [this](const Sleeper& sleeper)
                       ABSL_NO_THREAD_SAFETY_ANALYSIS { return sleeper.deadline <= now_; });
    }
    for (const Sleeper& sleeper : due) {
      // With the lock a thread that is about to wait is either before its look at the time or
      // asleep: the signal is not lost.
      MutexLock lock(sleeper.mutex);
      sleeper.condition->SignalAll();
    }
  }

  /// Blocks until a thread waits for exactly `deadline` (absl::InfiniteFuture(): for a signal
  /// alone). It has then seen everything that was signalled before it began to wait.
  void WaitUntilBlocked(absl::Time deadline) {
    MutexLock lock(&mutex_);
    while (std::none_of(sleepers_.begin(), sleepers_.end(), [deadline](const Sleeper& sleeper) {
      return sleeper.deadline == deadline;
    })) {
      fell_asleep_.Wait(&mutex_);
    }
  }

 private:
  struct Sleeper {
    CondVar* condition;
    Mutex* mutex;
    absl::Time deadline;
  };

  Mutex mutex_;
  CondVar fell_asleep_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_);
  std::list<Sleeper> sleepers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace attentiond::testing
