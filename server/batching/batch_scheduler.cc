// server/batching/batch_scheduler.cc -- the public handles on the executor and its queues.
#include "server/batching/batch_scheduler.h"

#include <utility>

#include "server/batching/batch_executor.h"

namespace attentiond {

BatchScheduler::BatchScheduler(Clock* clock) : executor_(std::make_shared<BatchExecutor>(clock)) {}

BatchScheduler::~BatchScheduler() { executor_->Shutdown(); }

std::shared_ptr<BatchQueue> BatchScheduler::AddQueue(const std::string& name,
                                                     const BatchQueueOptions& options,
                                                     BatchRunner runner,
                                                     std::shared_ptr<BatchObserver> observer) {
  return std::make_shared<BatchQueue>(
      executor_, executor_->AddQueue(name, options, std::move(runner), std::move(observer)));
}

std::shared_ptr<BatchQueue> BatchScheduler::AddStepQueue(const std::string& name,
                                                         const BatchQueueOptions& options,
                                                         std::shared_ptr<StepRunner> runner,
                                                         std::shared_ptr<BatchObserver> observer) {
  return std::make_shared<BatchQueue>(
      executor_, executor_->AddStepQueue(name, options, std::move(runner), std::move(observer)));
}

bool BatchScheduler::Drain(absl::Time deadline) { return executor_->Drain(deadline); }

BatchQueue::BatchQueue(std::shared_ptr<BatchExecutor> executor,
                       std::shared_ptr<ExecutorQueue> queue)
    : executor_(std::move(executor)), queue_(std::move(queue)) {}

BatchQueue::~BatchQueue() { Close(); }

absl::Status BatchQueue::Schedule(std::vector<std::unique_ptr<BatchTask>>* tasks) {
  return executor_->Schedule(*queue_, tasks);
}

absl::Status BatchQueue::CheckRoom(int64_t count, absl::Time deadline) const {
  return executor_->CheckRoom(*queue_, count, deadline);
}

int64_t BatchQueue::capacity() const { return queue_->options.max_queue_requests; }

int64_t BatchQueue::size() const { return executor_->Size(*queue_); }

absl::Duration BatchQueue::oldest() const { return executor_->Oldest(*queue_); }

void BatchQueue::Close() { executor_->Close(*queue_); }

}  // namespace attentiond
