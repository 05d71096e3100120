// server/batching/batch_scheduler.h -- bounded queues, one per model, and the one executor thread
// that drains them.
//
// Depends on core/base alone: testable without gRPC or a model. What to take is decided by the pure
// functions of batch_policy.h; batch_executor.h is the thread. docs/adr/0005-batching.md says why
// batches form the moment the executor is free.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "server/batching/batch_options.h"
#include "server/batching/batch_task.h"

namespace attentiond {

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

/// Ends the tasks of a batch that has been computed: answers its callers.
using BatchCompletion = absl::AnyInvocable<void() &&>;

/// Computes a batch on the executor thread, and returns what ends its tasks, each exactly once. The
/// observer is told between the two: the time is compute alone, and a caller who has its answer
/// finds it counted.
using BatchRunner = std::function<BatchCompletion(std::vector<std::unique_ptr<BatchTask>> batch)>;

/// What a step did.
struct StepReport {
  BatchCompletion complete;  ///< answers callers, as BatchRunner's
  int64_t tasks = 0;         ///< that took part
  int64_t tokens = 0;        ///< that were computed
};

/// Computes tasks that take many steps: they join those that run between two steps, and leave when
/// they are done, so a short one never waits for a long one. Threads: the executor's, but for
/// Abort().
class StepRunner {
 public:
  virtual ~StepRunner() = default;

  /// Sets aside what `task`, the next in turn, needs beside those that run; false: there is no room
  /// now. A task that got room is among those that join the next step. Called with the scheduler's
  /// lock: must not block.
  virtual bool TakeRoom(const BatchTask& task) = 0;
  /// One step of those that run and those that join. Also ends those that nobody waits for any
  /// more.
  virtual StepReport Step(std::vector<std::unique_ptr<BatchTask>> joining) = 0;
  /// Whether something runs: there is another step to do.
  virtual bool running() const = 0;
  /// Drops what runs. After the last Step().
  virtual void Abort(const absl::Status& reason) = 0;
};

class BatchExecutor;
class BatchQueue;
struct ExecutorQueue;

/// Owns the executor thread, which sleeps while nothing waits. Destroying it (never from a runner)
/// lets the running batch end and drops what still waits with kUnavailable.
///
/// Threads: every method may be called concurrently.
class BatchScheduler {
 public:
  /// `clock` is borrowed and must outlive the scheduler and its queues.
  explicit BatchScheduler(Clock* clock);
  ~BatchScheduler();
  BatchScheduler(const BatchScheduler&) = delete;
  BatchScheduler& operator=(const BatchScheduler&) = delete;

  /// A queue of its own for one model. `observer` (may be nullptr) and `runner` are kept until the
  /// queue is closed and empty.
  std::shared_ptr<BatchQueue> AddQueue(const std::string& name, const BatchQueueOptions& options,
                                       BatchRunner runner, std::shared_ptr<BatchObserver> observer);

  /// A queue whose tasks take many steps. Its steps take turns with the batches of other queues.
  std::shared_ptr<BatchQueue> AddStepQueue(const std::string& name,
                                           const BatchQueueOptions& options,
                                           std::shared_ptr<StepRunner> runner,
                                           std::shared_ptr<BatchObserver> observer);

  /// Blocks until every queue is empty and the executor idle, or until `deadline`; true when it
  /// drained. Meanwhile batches do not wait for company.
  bool Drain(absl::Time deadline);

 private:
  const std::shared_ptr<BatchExecutor> executor_;
};

/// Where the tasks of one model wait. Releasing the last reference closes it.
///
/// Threads: every method may be called concurrently.
class BatchQueue {
 public:
  /// BatchScheduler::AddQueue makes them.
  BatchQueue(std::shared_ptr<BatchExecutor> executor, std::shared_ptr<ExecutorQueue> queue);
  ~BatchQueue();
  BatchQueue(const BatchQueue&) = delete;
  BatchQueue& operator=(const BatchQueue&) = delete;

  /// Queues all of `tasks` or none. Never blocks. Ownership moves iff OK (then `tasks` is empty);
  /// otherwise `tasks` is as it was.
  ///
  /// Errors  kInvalidArgument: more tasks than the queue ever holds. kResourceExhausted: it is too
  ///         full for them now. kDeadlineExceeded: a deadline has passed, or would pass by the
  ///         predicted wait. kUnavailable: the queue is closed. The observer counts each, the last
  ///         only while earlier work is left.
  absl::Status Schedule(std::vector<std::unique_ptr<BatchTask>>* tasks);

  /// What Schedule() would say now of `count` tasks whose earliest deadline is this one, counted as
  /// it would be: for refusing a request before work is spent on making its tasks.
  absl::Status CheckRoom(int64_t count, absl::Time deadline) const;

  int64_t capacity() const;       ///< most tasks that may wait
  int64_t size() const;           ///< tasks waiting
  absl::Duration oldest() const;  ///< age of the oldest waiting task; 0 when empty
  /// Refuses new tasks; what waits still runs. Returns at once; the runner is released when the
  /// last batch is done.
  void Close();

 private:
  const std::shared_ptr<BatchExecutor> executor_;
  const std::shared_ptr<ExecutorQueue> queue_;
};

}  // namespace attentiond
