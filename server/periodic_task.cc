#include "server/periodic_task.h"

#include <utility>

namespace attentiond {

PeriodicTask::PeriodicTask(absl::Duration period, Clock* clock, std::function<void()> task)
    : period_(period), clock_(clock), task_(std::move(task)), thread_([this] { Run(); }) {}

PeriodicTask::~PeriodicTask() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  thread_.join();
}

void PeriodicTask::Trigger() {
  MutexLock lock(&mutex_);
  triggered_ = true;
  changed_.SignalAll();
}

void PeriodicTask::Run() {
  while (WaitForTurn()) task_();
}

bool PeriodicTask::WaitForTurn() {
  MutexLock lock(&mutex_);
  const absl::Time due = clock_->Now() + period_;
  while (!stopping_ && !triggered_ && clock_->Now() < due) {
    clock_->WaitUntil(&changed_, &mutex_, due);
  }
  triggered_ = false;
  return !stopping_;
}

}  // namespace attentiond
