// server/batching/batch_scheduler.h -- bounded queues, one per model, and the one executor thread
// that drains them.
//
// Depends on core/base alone: testable without gRPC or a model. The decision what to take is a pure
// function, batch_policy.h; docs/adr/0005-batching.md says why batches form the moment the executor
// is free.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "server/batching/batch_task.h"

namespace attentiond {

struct BatchQueueOptions {
  // What a batch may hold.
  int64_t max_batch_tokens = 16384;  ///< a single task that costs more runs alone
  int64_t max_batch_requests = 256;  ///< tasks (rows), not RPCs
  // Admission.
  int64_t max_queue_requests = 4096;  ///< tasks waiting; more is refused with kResourceExhausted
  // Performance: how long a batch may wait for company while the executor is free. 0: not at all.
  absl::Duration max_queue_delay = absl::ZeroDuration();
};

/// Why a task did not run; each drop is counted under one of these.
enum class DropReason : uint8_t {
  kQueueFull,
  kDeadlineBeforeQueue,
  kDeadlineInQueue,
  kCancelled,
  kShutDown
};

/// Told what a queue does, for metrics. Called without locks; must not block.
class BatchObserver {
 public:
  virtual ~BatchObserver() = default;
  virtual void OnBatch(int64_t /*tasks*/, int64_t /*tokens*/, absl::Duration /*compute*/) {}
  virtual void OnQueued(absl::Duration /*waited*/) {}  ///< once per task that a batch took
  virtual void OnDropped(DropReason /*reason*/, int64_t /*tasks*/) {}
};

/// Runs a batch on the executor thread. Takes the tasks; must end each of them itself. Returns when
/// the compute is done.
using BatchRunner = std::function<void(std::vector<std::unique_ptr<BatchTask>> batch)>;

class BatchQueue;

/// Owns the executor thread. Destroying it drops what still waits with kUnavailable.
class BatchScheduler {
 public:
  explicit BatchScheduler(Clock* clock);
  ~BatchScheduler();

  /// A queue of its own for one model. `observer` (may be nullptr) and `runner` are kept until the
  /// queue is closed.
  std::shared_ptr<BatchQueue> AddQueue(const std::string& name, const BatchQueueOptions& options,
                                       BatchRunner runner, std::shared_ptr<BatchObserver> observer);

  /// Blocks until every queue is empty and the executor idle, or until `deadline`; true when it
  /// drained.
  bool Drain(absl::Time deadline);

  class Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

/// Threads: every method may be called concurrently.
class BatchQueue {
 public:
  ~BatchQueue();

  /// Queues all of `tasks` or none. Never blocks. Ownership moves iff OK (then `tasks` is empty);
  /// otherwise `tasks` is as it was. Errors  kResourceExhausted: the queue is full (counted as
  /// kQueueFull). kDeadlineExceeded: a deadline has passed
  ///         already. kUnavailable: the queue is closed.
  absl::Status Schedule(std::vector<std::unique_ptr<BatchTask>>* tasks);

  int64_t size() const;           ///< tasks waiting
  absl::Duration oldest() const;  ///< age of the oldest waiting task; 0 when empty
  /// Refuses new tasks; what waits still runs. Returns at once; the runner is released when the
  /// last batch is done.
  void Close();

  class Impl;
  explicit BatchQueue(std::shared_ptr<Impl> impl);

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace attentiond
