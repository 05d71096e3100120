// server/batching/batch_executor.cc -- the thread that forms, runs and answers batches.
#include "server/batching/batch_executor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace attentiond {
namespace {

using Tasks = std::vector<std::unique_ptr<BatchTask>>;

// Counts first: a caller who has its answer finds it counted.
void DropAll(const Tasks& tasks, DropReason reason, const absl::Status& status,
             BatchObserver* observer) {
  if (tasks.empty()) return;
  if (observer != nullptr) observer->OnDropped(reason, static_cast<int64_t>(tasks.size()));
  for (const std::unique_ptr<BatchTask>& task : tasks) task->Drop(status);
}

absl::Status ClosedError(const std::string& queue) {
  return absl::UnavailableError(
      absl::StrCat(queue, ": unloaded or shutting down, no new work is taken"));
}

}  // namespace

// What leaves a queue at once, and whom to tell of it.
struct BatchExecutor::Batch {
  std::shared_ptr<ExecutorQueue> queue;
  std::shared_ptr<const BatchRunner> runner;
  std::shared_ptr<StepRunner> stepper;
  std::shared_ptr<BatchObserver> observer;
  FormedBatch formed;
};

BatchExecutor::BatchExecutor(Clock* clock) : clock_(clock), thread_([this] { Run(); }) {}

BatchExecutor::~BatchExecutor() = default;

std::shared_ptr<ExecutorQueue> BatchExecutor::AddQueue(const std::string& name,
                                                       const BatchQueueOptions& options,
                                                       BatchRunner runner,
                                                       std::shared_ptr<BatchObserver> observer) {
  auto queue = std::make_shared<ExecutorQueue>(name, options);
  queue->runner = std::make_shared<const BatchRunner>(std::move(runner));
  queue->observer = std::move(observer);
  MutexLock lock(&mutex_);
  queues_.push_back(queue);
  return queue;
}

std::shared_ptr<ExecutorQueue> BatchExecutor::AddStepQueue(
    const std::string& name, const BatchQueueOptions& options, std::shared_ptr<StepRunner> runner,
    std::shared_ptr<BatchObserver> observer) {
  auto queue = std::make_shared<ExecutorQueue>(name, options);
  queue->stepper = std::move(runner);
  queue->observer = std::move(observer);
  MutexLock lock(&mutex_);
  queues_.push_back(queue);
  return queue;
}

absl::Status BatchExecutor::Admit(const ExecutorQueue& queue, int64_t count, absl::Time deadline,
                                  absl::Time now, DropReason* reason) const {
  if (queue.closed) {
    *reason = DropReason::kShutDown;
    return ClosedError(queue.name);
  }
  if (count > queue.options.max_queue_requests) {
    *reason = DropReason::kQueueFull;
    return absl::InvalidArgumentError(
        absl::StrCat(queue.name, ": the request has ", count, " rows, the queue holds ",
                     queue.options.max_queue_requests, ": send fewer at once"));
  }
  if (deadline <= now) {
    *reason = DropReason::kDeadlineBeforeQueue;
    return absl::DeadlineExceededError(
        absl::StrCat(queue.name, ": the deadline passed before the request was queued"));
  }
  if (count > queue.options.max_queue_requests - queue.waiting.size()) {
    *reason = DropReason::kQueueFull;
    return absl::ResourceExhaustedError(
        absl::StrCat(queue.name, ": the queue is full: ", queue.waiting.size(), " of ",
                     queue.options.max_queue_requests, " rows wait, the request has ", count));
  }
  const absl::Duration wait = queue.estimate.Predict(queue.waiting, count);
  if (wait > deadline - now) {
    *reason = DropReason::kDeadlineBeforeQueue;
    return absl::DeadlineExceededError(
        absl::StrCat(queue.name, ": the deadline is ", absl::FormatDuration(deadline - now),
                     " away, the predicted wait is ", absl::FormatDuration(wait)));
  }
  return absl::OkStatus();
}

absl::Status BatchExecutor::CheckRoom(const ExecutorQueue& queue, int64_t count,
                                      absl::Time deadline) const {
  std::shared_ptr<BatchObserver> observer;
  DropReason reason = DropReason::kShutDown;
  absl::Status admitted;
  {
    MutexLock lock(&mutex_);
    admitted = Admit(queue, count, deadline, clock_->Now(), &reason);
    observer = queue.observer;
  }
  if (!admitted.ok() && observer != nullptr) observer->OnDropped(reason, count);
  return admitted;
}

absl::Status BatchExecutor::Schedule(ExecutorQueue& queue, Tasks* tasks) {
  if (tasks->empty()) return absl::OkStatus();
  absl::Time deadline = absl::InfiniteFuture();
  for (const std::unique_ptr<BatchTask>& task : *tasks) {
    deadline = std::min(deadline, task->deadline());
  }
  std::shared_ptr<BatchObserver> observer;
  DropReason reason = DropReason::kShutDown;
  absl::Status admitted;
  {
    MutexLock lock(&mutex_);
    const absl::Time now = clock_->Now();
    admitted = Admit(queue, static_cast<int64_t>(tasks->size()), deadline, now, &reason);
    if (admitted.ok()) {
      if (queue.waiting.empty() && !queue.stepping) queue.turn = next_turn_++;
      for (std::unique_ptr<BatchTask>& task : *tasks) queue.waiting.Push(std::move(task), now);
    } else {
      observer = queue.observer;
    }
  }
  if (admitted.ok()) {
    tasks->clear();
    work_.Signal();
  } else if (observer != nullptr) {
    observer->OnDropped(reason, static_cast<int64_t>(tasks->size()));
  }
  return admitted;
}

void BatchExecutor::Close(ExecutorQueue& queue) {
  // Destroyed after the lock is released.
  std::shared_ptr<const BatchRunner> runner;
  std::shared_ptr<StepRunner> stepper;
  std::shared_ptr<BatchObserver> observer;
  {
    MutexLock lock(&mutex_);
    queue.closed = true;
    runner = queue.runner;
    stepper = queue.stepper;
    observer = queue.observer;
    ForgetIfDone(queue);
  }
  work_.Signal();  // no company is to come for what waits
}

bool BatchExecutor::Drain(absl::Time deadline) {
  MutexLock lock(&mutex_);
  ++num_drains_;
  work_.Signal();
  while (!IsDrained() && clock_->Now() < deadline) {
    clock_->WaitUntil(&drained_, &mutex_, deadline);
  }
  --num_drains_;
  return IsDrained();
}

void BatchExecutor::Shutdown() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  work_.Signal();
  thread_.join();
  std::vector<Batch> left;
  {
    MutexLock lock(&mutex_);
    for (const std::shared_ptr<ExecutorQueue>& queue : std::exchange(queues_, {})) {
      queue->closed = true;
      Batch batch{queue,
                  std::move(queue->runner),
                  std::move(queue->stepper),
                  std::move(queue->observer),
                  {}};
      while (!queue->waiting.empty()) {
        batch.formed.tasks.push_back(queue->waiting.DiscardNext().task);
      }
      left.push_back(std::move(batch));
    }
  }
  const absl::Status reason = absl::UnavailableError("the server is shutting down");
  for (const Batch& batch : left) {
    DropAll(batch.formed.tasks, DropReason::kShutDown, reason, batch.observer.get());
    if (batch.stepper != nullptr) batch.stepper->Abort(reason);
  }
}

int64_t BatchExecutor::Size(const ExecutorQueue& queue) const {
  MutexLock lock(&mutex_);
  return queue.waiting.size();
}

absl::Duration BatchExecutor::Oldest(const ExecutorQueue& queue) const {
  MutexLock lock(&mutex_);
  return queue.waiting.empty() ? absl::ZeroDuration()
                               : clock_->Now() - queue.waiting.oldest_arrival();
}

bool BatchExecutor::IsDrained() const {
  return !busy_ && std::all_of(queues_.begin(), queues_.end(), [](const auto& queue) {
    return queue->waiting.empty() && !queue->stepping;
  });
}

std::shared_ptr<ExecutorQueue> BatchExecutor::ChooseQueue(absl::Time now,
                                                          absl::Time* look_again) const {
  std::shared_ptr<ExecutorQueue> chosen;
  *look_again = absl::InfiniteFuture();
  for (const std::shared_ptr<ExecutorQueue>& queue : queues_) {
    if (queue->waiting.empty() && !queue->stepping) continue;
    // Draining, or closed: no company is to come. What runs need not wait for any.
    const bool flush = num_drains_ > 0 || queue->closed || queue->stepping;
    const absl::Time formation =
        flush ? absl::InfinitePast() : FormationTime(queue->waiting, queue->options);
    *look_again = std::min(*look_again, formation);
    if (formation <= now && (chosen == nullptr || queue->turn < chosen->turn)) chosen = queue;
  }
  return chosen;
}

std::vector<BatchExecutor::Batch> BatchExecutor::TakeAllExpired(absl::Time now) {
  std::vector<Batch> expired;
  for (const std::shared_ptr<ExecutorQueue>& queue : queues_) {
    if (queue->waiting.next_deadline() > now) continue;
    expired.push_back({queue, queue->runner, queue->stepper, queue->observer, {}});
    expired.back().formed.expired = TakeExpired(now, &queue->waiting);
  }
  for (const Batch& batch : expired) ForgetIfDone(*batch.queue);
  return expired;
}

BatchExecutor::Batch BatchExecutor::Form(std::shared_ptr<ExecutorQueue> queue, absl::Time now) {
  Batch batch{queue, queue->runner, queue->stepper, queue->observer, {}};
  StepRunner* const stepper = queue->stepper.get();
  batch.formed = FormBatch(
      queue->options, now,
      [stepper](const BatchTask& task) { return stepper == nullptr || stepper->TakeRoom(task); },
      &queue->waiting);
  // Until the step says otherwise: it must not be forgotten meanwhile.
  if (stepper != nullptr && !batch.formed.tasks.empty()) queue->stepping = true;
  queue->turn = next_turn_++;
  ForgetIfDone(*queue);
  return batch;
}

void BatchExecutor::ForgetIfDone(ExecutorQueue& queue) {
  if (!queue.closed || !queue.waiting.empty() || queue.stepping) return;
  std::erase_if(queues_, [&queue](const auto& other) { return other.get() == &queue; });
  queue.runner.reset();
  queue.stepper.reset();
  queue.observer.reset();
}

void BatchExecutor::Execute(Batch batch) {
  FormedBatch& formed = batch.formed;
  BatchObserver* const observer = batch.observer.get();
  DropAll(formed.expired, DropReason::kDeadlineInQueue,
          absl::DeadlineExceededError(
              absl::StrCat(batch.queue->name, ": the deadline passed while the request waited")),
          observer);
  DropAll(
      formed.cancelled, DropReason::kCancelled,
      absl::CancelledError(absl::StrCat(batch.queue->name, ": cancelled while the request waited")),
      observer);
  if (batch.stepper != nullptr) {
    RunStep(std::move(batch));
  } else if (!formed.tasks.empty()) {
    RunBatch(std::move(batch));
  }
}

void BatchExecutor::RunStep(Batch batch) {
  StepRunner& stepper = *batch.stepper;
  if (batch.formed.tasks.empty() && !stepper.running()) return;
  BatchObserver* const observer = batch.observer.get();
  const absl::Time start = clock_->Now();
  StepReport report = stepper.Step(std::move(batch.formed.tasks));
  const absl::Duration compute = clock_->Now() - start;
  if (observer != nullptr) {
    for (const absl::Duration waited : batch.formed.waited) observer->OnQueued(waited);
    if (report.tasks > 0) observer->OnBatch(report.tasks, report.tokens, compute);
  }
  std::move(report.complete)();
  MutexLock lock(&mutex_);
  batch.queue->stepping = stepper.running();
  ForgetIfDone(*batch.queue);
}

void BatchExecutor::RunBatch(Batch batch) {
  FormedBatch& formed = batch.formed;
  BatchObserver* const observer = batch.observer.get();
  const auto num_tasks = static_cast<int64_t>(formed.tasks.size());
  const absl::Time start = clock_->Now();
  BatchCompletion complete = (*batch.runner)(std::move(formed.tasks));
  const absl::Duration compute = clock_->Now() - start;
  if (observer != nullptr) {
    for (const absl::Duration waited : formed.waited) observer->OnQueued(waited);
    observer->OnBatch(num_tasks, formed.tokens, compute);
  }
  {
    MutexLock lock(&mutex_);
    batch.queue->estimate.Record(num_tasks, formed.tokens, compute);
  }
  std::move(complete)();
}

void BatchExecutor::Run() {
  mutex_.Lock();
  while (!stopping_) {
    const absl::Time now = clock_->Now();
    // First what is too late in any queue: it must not wait for other queues' batches.
    std::vector<Batch> leaving = TakeAllExpired(now);
    absl::Time look_again = absl::InfiniteFuture();
    if (std::shared_ptr<ExecutorQueue> queue = ChooseQueue(now, &look_again)) {
      leaving.push_back(Form(std::move(queue), now));
    }
    if (leaving.empty()) {
      if (IsDrained()) drained_.SignalAll();
      clock_->WaitUntil(&work_, &mutex_, look_again);
      continue;
    }
    busy_ = true;
    mutex_.Unlock();
    for (Batch& batch : leaving) Execute(std::move(batch));
    leaving.clear();
    mutex_.Lock();
    busy_ = false;
  }
  mutex_.Unlock();
}

}  // namespace attentiond
