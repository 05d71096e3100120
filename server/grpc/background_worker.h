// server/grpc/background_worker.h -- a thread for RPCs that block, such as loading a model.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>

#include "absl/status/status.h"
#include "core/base/mutex.h"

namespace attentiond {

/// Runs jobs one after the other. Threads: Submit may be called concurrently.
class BackgroundWorker {
 public:
  /// `max_waiting`: jobs beside the one that runs.
  explicit BackgroundWorker(size_t max_waiting);
  /// Runs what waits, then ends.
  ~BackgroundWorker();

  /// kResourceExhausted: too many wait; `job` is not run.
  absl::Status Submit(std::function<void()> job);

 private:
  void Run();

  const size_t max_waiting_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> jobs_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace attentiond
