// server/batching/batch_executor.h -- the thread that forms and runs the batches of all queues; the
// implementation of batch_scheduler.h.
//
// One mutex guards all queues. It is never held while a task is run, dropped or destroyed, nor
// while an observer is told: each may call back.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "server/batching/batch_policy.h"
#include "server/batching/batch_scheduler.h"
#include "server/batching/wait_estimate.h"

namespace attentiond {

/// One queue's state. Everything but the constants is guarded by the executor's mutex.
struct ExecutorQueue {
  ExecutorQueue(const std::string& queue_name, const BatchQueueOptions& queue_options)
      : name(queue_name), options(queue_options), estimate(queue_options) {}

  const std::string name;
  const BatchQueueOptions options;
  // Both are released once the queue is closed and empty; a batch that runs then holds the last
  // references.
  std::shared_ptr<const BatchRunner> runner;  // one of the two
  std::shared_ptr<StepRunner> stepper;
  std::shared_ptr<BatchObserver> observer;
  FairQueue waiting;
  bool stepping = false;  // something runs that has steps to do
  WaitEstimate estimate;
  // Queues are served in the order of their turns. One begins to wait for its turn with its first
  // task, and anew with each batch: however many tasks it has, it goes behind the others then.
  uint64_t turn = 0;
  bool closed = false;
};

/// Threads: every method may be called concurrently.
class BatchExecutor {
 public:
  explicit BatchExecutor(Clock* clock);
  ~BatchExecutor();

  std::shared_ptr<ExecutorQueue> AddQueue(const std::string& name, const BatchQueueOptions& options,
                                          BatchRunner runner,
                                          std::shared_ptr<BatchObserver> observer);
  std::shared_ptr<ExecutorQueue> AddStepQueue(const std::string& name,
                                              const BatchQueueOptions& options,
                                              std::shared_ptr<StepRunner> runner,
                                              std::shared_ptr<BatchObserver> observer);
  absl::Status Schedule(ExecutorQueue& queue, std::vector<std::unique_ptr<BatchTask>>* tasks);
  absl::Status CheckRoom(const ExecutorQueue& queue, int64_t count, absl::Time deadline) const;
  void Close(ExecutorQueue& queue);
  bool Drain(absl::Time deadline);
  /// Ends the thread after its batch, closes every queue and drops what waits. Called once.
  void Shutdown();

  int64_t Size(const ExecutorQueue& queue) const;
  absl::Duration Oldest(const ExecutorQueue& queue) const;

 private:
  struct Batch;

  void Run();
  // The queue whose turn it is; nullptr with the time when to look again.
  std::shared_ptr<ExecutorQueue> ChooseQueue(absl::Time now, absl::Time* look_again) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Moves the expired tasks of all queues out, one Batch for each queue that has some.
  std::vector<Batch> TakeAllExpired(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Batch Form(std::shared_ptr<ExecutorQueue> queue, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Runs and answers a batch; its tasks are gone on return.
  void Execute(Batch batch) ABSL_LOCKS_EXCLUDED(mutex_);
  void RunBatch(Batch batch) ABSL_LOCKS_EXCLUDED(mutex_);
  void RunStep(Batch batch) ABSL_LOCKS_EXCLUDED(mutex_);
  // Of `count` tasks, of which the first must be computed by `deadline`.
  absl::Status Admit(const ExecutorQueue& queue, int64_t count, absl::Time deadline, absl::Time now,
                     DropReason* reason) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Forgets a closed and empty queue. The caller holds a reference to its runner and observer,
  // which must not be destroyed under the lock.
  void ForgetIfDone(ExecutorQueue& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsDrained() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Clock* const clock_;
  mutable Mutex mutex_;
  CondVar work_;     // a task came, or the thread shall end
  CondVar drained_;  // nothing waits and nothing runs
  std::vector<std::shared_ptr<ExecutorQueue>> queues_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_turn_ ABSL_GUARDED_BY(mutex_) = 0;
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int num_drains_ ABSL_GUARDED_BY(mutex_) = 0;  // Drain() calls in progress
  std::thread thread_;
};

}  // namespace attentiond
