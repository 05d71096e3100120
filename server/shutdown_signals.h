// server/shutdown_signals.h -- SIGTERM and SIGINT, taken by a thread that does nothing else.
#pragma once

#include <thread>

#include "core/base/mutex.h"

namespace attentiond {

/// Make one, before any other thread is started: it blocks the two signals for the calling thread,
/// and so for all that inherit its mask. Until Arm(), a signal ends the process at once with exit
/// code 0: nothing has been accepted that could be lost. After it, the first one ends Wait(), and
/// the second ends the process at once with exit code 128 + its number.
class ShutdownSignals {
 public:
  ShutdownSignals();
  ~ShutdownSignals();
  ShutdownSignals(const ShutdownSignals&) = delete;
  ShutdownSignals& operator=(const ShutdownSignals&) = delete;

  void Arm();
  /// Blocks until the first signal; returns its name, "SIGTERM" or "SIGINT".
  const char* Wait();

 private:
  void Run();
  void OnSignal(int signal);

  Mutex mutex_;
  CondVar changed_;
  bool armed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int first_signal_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace attentiond
