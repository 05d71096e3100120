// core/parallel/thread_pool.h -- the compute threads, and loops over them.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"

namespace attentiond {

/// A fixed number of compute threads, the calling thread among them. Nothing spins when idle.
///
/// Threads   One thread at a time may call ParallelFor (the executor); bodies run concurrently. A
///           ParallelFor inside a body runs serially on that body's thread.
class ThreadPool {
 public:
  /// `num_threads` >= 1; 1 makes every loop serial.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const { return num_threads_; }

  /// Calls body(begin, end, thread) over disjoint ranges that cover [0, count), and returns when
  /// all are done. `grain` >= 1: the least number of iterations worth a range of its own; count <=
  /// grain runs on the calling thread. `thread` is in [0, num_threads()) and no two bodies that run
  /// at once have the same.
  void ParallelFor(int64_t count, int64_t grain,
                   absl::FunctionRef<void(int64_t begin, int64_t end, int thread)> body);

  /// Whether the calling thread is inside a body of this pool.
  bool InParallelFor() const;

 private:
  struct Impl;
  const int num_threads_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace attentiond
