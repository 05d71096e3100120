// tests/testing/gate.h -- holds the threads that come to it until the test lets them through.
#pragma once

#include "core/base/mutex.h"

namespace attentiond::testing {

/// Open at first. Threads: any.
class Gate {
 public:
  void Close() {
    MutexLock lock(&mutex_);
    open_ = false;
  }

  /// Lets through who waits and who comes.
  void Open() {
    {
      MutexLock lock(&mutex_);
      open_ = true;
      ++openings_;
    }
    changed_.SignalAll();
  }

  /// Called by the code under test: blocks while the gate is closed.
  void Pass() {
    MutexLock lock(&mutex_);
    ++arrived_;
    changed_.SignalAll();
    // Who waits goes through even when the gate is closed again at once.
    for (const int openings = openings_; !open_ && openings == openings_;) changed_.Wait(&mutex_);
  }

  /// Blocks until `count` calls of Pass() have begun since the gate was made.
  void WaitForArrivals(int count) {
    MutexLock lock(&mutex_);
    while (arrived_ < count) changed_.Wait(&mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ ABSL_GUARDED_BY(mutex_) = true;
  int openings_ ABSL_GUARDED_BY(mutex_) = 0;
  int arrived_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace attentiond::testing
