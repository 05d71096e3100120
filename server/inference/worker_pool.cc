// server/inference/worker_pool.cc -- threads that take jobs from a bounded queue.
#include "server/inference/worker_pool.h"

#include <utility>

namespace attentiond {

WorkerPool::WorkerPool(int num_threads, int64_t max_waiting) : max_waiting_(max_waiting) {
  for (int i = 0; i < num_threads; ++i) threads_.emplace_back([this] { Run(); });
}

WorkerPool::~WorkerPool() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  work_.SignalAll();
  for (std::thread& thread : threads_) thread.join();
}

bool WorkerPool::TrySubmit(Job job) {
  {
    MutexLock lock(&mutex_);
    if (static_cast<int64_t>(waiting_.size()) >= max_waiting_) return false;
    waiting_.push_back(std::move(job));
  }
  work_.Signal();
  return true;
}

void WorkerPool::Run() {
  while (true) {
    Job job;
    {
      MutexLock lock(&mutex_);
      while (waiting_.empty() && !stopping_) work_.Wait(&mutex_);
      if (waiting_.empty()) return;
      job = std::move(waiting_.front());
      waiting_.pop_front();
    }
    std::move(job)();
  }
}

}  // namespace attentiond
