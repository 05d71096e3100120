#include "server/shutdown_signals.h"

#include <pthread.h>
#include <signal.h>

#include <cstdlib>
#include <utility>

namespace attentiond {
namespace {

sigset_t WatchedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  return signals;
}

}  // namespace

ShutdownSignals::ShutdownSignals() {
  const sigset_t signals = WatchedSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::thread([this] { Run(); });
}

ShutdownSignals::~ShutdownSignals() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  pthread_kill(thread_.native_handle(), SIGTERM);  // for that thread alone: wakes it
  thread_.join();
}

void ShutdownSignals::Arm(std::function<void()> on_hangup) {
  MutexLock lock(&mutex_);
  on_hangup_ = std::move(on_hangup);
  armed_ = true;
}

const char* ShutdownSignals::Wait() {
  MutexLock lock(&mutex_);
  while (first_signal_ == 0) changed_.Wait(&mutex_);
  return first_signal_ == SIGTERM ? "SIGTERM" : "SIGINT";
}

void ShutdownSignals::Run() {
  const sigset_t signals = WatchedSignals();
  for (;;) {
    int signal = 0;
    sigwait(&signals, &signal);
    {
      MutexLock lock(&mutex_);
      if (stopping_) return;
    }
    OnSignal(signal);
  }
}

void ShutdownSignals::OnSignal(int signal) {
  MutexLock lock(&mutex_);
  if (signal == SIGHUP) {
    // Under the lock: what it reloads is there until Wait() returns.
    if (armed_ && first_signal_ == 0) on_hangup_();
    return;
  }
  if (!armed_) std::_Exit(EXIT_SUCCESS);
  if (first_signal_ != 0) std::_Exit(128 + signal);
  first_signal_ = signal;
  changed_.SignalAll();
}

}  // namespace attentiond
