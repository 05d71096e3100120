// server/shutdown_signals.h -- SIGTERM, SIGINT and SIGHUP, taken by a thread that does nothing else.
#pragma once

#include <functional>
#include <thread>

#include "core/base/mutex.h"

namespace attentiond {

/// Make one, before any other thread is started: it blocks the signals for the calling thread,
/// and so for all that inherit its mask. Until Arm(), a signal ends the process at once with exit
/// code 0: nothing has been accepted that could be lost. After it, the first one ends Wait(), and
/// the second ends the process at once with exit code 128 + its number. SIGHUP ends nothing.
class ShutdownSignals {
 public:
  ShutdownSignals();
  ~ShutdownSignals();
  ShutdownSignals(const ShutdownSignals&) = delete;
  ShutdownSignals& operator=(const ShutdownSignals&) = delete;

  /// `on_hangup` is called for every SIGHUP, until the first signal that ends Wait().
  void Arm(std::function<void()> on_hangup);
  /// Blocks until the first signal; returns its name, "SIGTERM" or "SIGINT".
  const char* Wait();

 private:
  void Run();
  void OnSignal(int signal);

  Mutex mutex_;
  CondVar changed_;
  bool armed_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> on_hangup_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int first_signal_ ABSL_GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace attentiond
