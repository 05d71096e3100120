// server/grpc/background_worker.cc -- a bounded queue of jobs and the thread that empties it.
#include "server/grpc/background_worker.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace attentiond {

BackgroundWorker::BackgroundWorker(size_t max_waiting)
    : max_waiting_(max_waiting), thread_([this] { Run(); }) {}

BackgroundWorker::~BackgroundWorker() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.Signal();
  }
  thread_.join();
}

absl::Status BackgroundWorker::Submit(std::function<void()> job) {
  MutexLock lock(&mutex_);
  if (jobs_.size() >= max_waiting_) {
    return absl::ResourceExhaustedError(
        absl::StrCat(jobs_.size(), " model operations wait, the limit is ", max_waiting_));
  }
  jobs_.push_back(std::move(job));
  changed_.Signal();
  return absl::OkStatus();
}

void BackgroundWorker::Run() {
  while (true) {
    std::function<void()> job;
    {
      MutexLock lock(&mutex_);
      while (jobs_.empty() && !stopping_) changed_.Wait(&mutex_);
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace attentiond
