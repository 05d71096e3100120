// server/periodic_task.h -- something done again and again, on a thread of its own.
#pragma once

#include <functional>
#include <thread>

#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace attentiond {

/// Threads: every method may be called concurrently.
class PeriodicTask {
 public:
  /// Runs `task` every `period`, for the first time after one; absl::InfiniteDuration(): only when
  /// triggered. `clock` is borrowed.
  PeriodicTask(absl::Duration period, Clock* clock, std::function<void()> task);
  /// Waits for a run that goes on.
  ~PeriodicTask();
  PeriodicTask(const PeriodicTask&) = delete;
  PeriodicTask& operator=(const PeriodicTask&) = delete;

  /// Runs it now, on its thread; returns at once.
  void Trigger();

 private:
  void Run();
  // False: stopping.
  bool WaitForTurn();

  const absl::Duration period_;
  Clock* const clock_;
  const std::function<void()> task_;
  Mutex mutex_;
  CondVar changed_;
  bool triggered_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace attentiond
