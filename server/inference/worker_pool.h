// server/inference/worker_pool.h -- a few threads for work that is too long for a reactor thread,
// with a bounded queue.
#pragma once

#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "core/base/mutex.h"

namespace attentiond {

/// Threads: every method may be called concurrently.
class WorkerPool {
 public:
  using Job = absl::AnyInvocable<void() &&>;

  /// `num_threads` >= 1; at most `max_waiting` jobs wait.
  WorkerPool(int num_threads, int64_t max_waiting);
  /// Runs what still waits, then ends the threads.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Never blocks. False, and `job` is destroyed without running, when the queue is full.
  bool TrySubmit(Job job);

 private:
  void Run();

  const int64_t max_waiting_;
  Mutex mutex_;
  CondVar work_;
  std::deque<Job> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace attentiond
