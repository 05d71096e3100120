// The scheduler with an injected clock: no test sleeps. A Gate in the runner holds the executor
// where a test wants something to happen while a batch runs.
#include "server/batching/batch_scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "core/base/mutex.h"
#include "tests/testing/batch_test_task.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/gate.h"

namespace attentiond {
namespace {

using testing::BatchTestTask;
using ::testing::ElementsAre;
using testing::FakeClock;
using testing::Gate;
using ::testing::HasSubstr;
using testing::IdsOf;
using ::testing::IsEmpty;
using testing::MarkAllRun;
using testing::ScheduleChecked;
using testing::TaskOutcome;
using Tasks = std::vector<std::unique_ptr<BatchTask>>;

class RecordingObserver final : public BatchObserver {
 public:
  void OnBatch(int64_t tasks, int64_t tokens, absl::Duration compute) override {
    MutexLock lock(&mutex_);
    batches_.push_back({tasks, tokens, compute});
  }
  void OnQueued(absl::Duration waited) override {
    MutexLock lock(&mutex_);
    waited_.push_back(waited);
  }
  void OnDropped(DropReason reason, int64_t tasks) override {
    MutexLock lock(&mutex_);
    dropped_[reason] += tasks;
  }

  struct Batch {
    int64_t tasks, tokens;
    absl::Duration compute;
    friend bool operator==(const Batch&, const Batch&) = default;
  };
  std::vector<Batch> batches() {
    MutexLock lock(&mutex_);
    return batches_;
  }
  std::vector<absl::Duration> waited() {
    MutexLock lock(&mutex_);
    return waited_;
  }
  std::map<DropReason, int64_t> dropped() {
    MutexLock lock(&mutex_);
    return dropped_;
  }

 private:
  Mutex mutex_;
  std::vector<Batch> batches_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Duration> waited_ ABSL_GUARDED_BY(mutex_);
  std::map<DropReason, int64_t> dropped_ ABSL_GUARDED_BY(mutex_);
};

class BatchSchedulerTest : public ::testing::Test {
 protected:
  // A queue whose runner passes the gate, then marks its tasks as run.
  std::shared_ptr<BatchQueue> AddQueue(const BatchQueueOptions& options = {},
                                       const std::string& name = "m") {
    return scheduler_->AddQueue(
        name, options,
        [this, name](Tasks batch) {
          {
            MutexLock lock(&mutex_);
            runs_.push_back({name, IdsOf(batch)});
          }
          gate_.Pass();
          return MarkAllRun(std::move(batch));
        },
        observer_);
  }

  std::shared_ptr<TaskOutcome> Add(const BatchTestTask::Spec& spec, Tasks* tasks) {
    auto outcome = std::make_shared<TaskOutcome>();
    tasks->push_back(std::make_unique<BatchTestTask>(spec, outcome));
    return outcome;
  }
  // Schedules a request of one task; expects it to be accepted.
  std::shared_ptr<TaskOutcome> Schedule(BatchQueue& queue, const BatchTestTask::Spec& spec = {}) {
    Tasks tasks;
    auto outcome = Add(spec, &tasks);
    EXPECT_EQ(ScheduleChecked(queue, &tasks), absl::OkStatus());
    return outcome;
  }
  absl::Status Refused(BatchQueue& queue, const BatchTestTask::Spec& spec = {}) {
    Tasks tasks;
    auto outcome = Add(spec, &tasks);
    const absl::Status status = ScheduleChecked(queue, &tasks);
    EXPECT_EQ(outcome->times_ended(), 0) << "a refused task must not be ended by the queue";
    return status;
  }
  // Occupies the executor until gate_ opens.
  std::shared_ptr<TaskOutcome> HoldExecutor(BatchQueue& queue) {
    gate_.Close();
    auto outcome = Schedule(queue, {.group = 999, .id = -1});
    gate_.WaitForArrivals(1);
    return outcome;
  }

  using Run = std::pair<std::string, std::vector<int>>;  // the queue's name, the tasks' ids
  std::vector<Run> runs() {
    MutexLock lock(&mutex_);
    return runs_;
  }

  FakeClock clock_;
  Gate gate_;
  std::shared_ptr<RecordingObserver> observer_ = std::make_shared<RecordingObserver>();
  Mutex mutex_;
  std::vector<Run> runs_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<BatchScheduler> scheduler_ = std::make_unique<BatchScheduler>(&clock_);
};

TEST_F(BatchSchedulerTest, RunsATaskAtOnce) {
  auto queue = AddQueue();
  EXPECT_EQ(Schedule(*queue)->Wait(), absl::OkStatus());
  EXPECT_EQ(queue->size(), 0);
  EXPECT_EQ(queue->oldest(), absl::ZeroDuration());
}

TEST_F(BatchSchedulerTest, SchedulingNothingIsFine) {
  auto queue = AddQueue();
  Tasks none;
  EXPECT_EQ(ScheduleChecked(*queue, &none), absl::OkStatus());
}

TEST_F(BatchSchedulerTest, WhatArrivesDuringABatchIsTheNextBatch) {
  auto queue = AddQueue();
  auto first = HoldExecutor(*queue);
  auto second = Schedule(*queue, {.group = 1, .cost = 3, .id = 1});
  clock_.Advance(absl::Seconds(2));
  auto third = Schedule(*queue, {.group = 2, .cost = 4, .id = 2});
  EXPECT_EQ(queue->size(), 2);
  EXPECT_EQ(queue->oldest(), absl::Seconds(2));
  gate_.Open();
  EXPECT_EQ(third->Wait(), absl::OkStatus());
  EXPECT_EQ(second->Wait(), absl::OkStatus());
  EXPECT_THAT(runs(), ElementsAre(Run{"m", {-1}}, Run{"m", {1, 2}}));
  // Counted before the tasks were answered.
  EXPECT_THAT(observer_->batches(),
              ElementsAre(RecordingObserver::Batch{1, 1, absl::Seconds(2)},
                          RecordingObserver::Batch{2, 7, absl::ZeroDuration()}));
  EXPECT_THAT(observer_->waited(),
              ElementsAre(absl::ZeroDuration(), absl::Seconds(2), absl::ZeroDuration()));
}

TEST_F(BatchSchedulerTest, WaitsForCompanyUpToTheDelay) {
  BatchQueueOptions options;
  options.max_queue_delay = absl::Milliseconds(5);
  auto queue = AddQueue(options);
  const absl::Time end = clock_.Now() + absl::Milliseconds(5);
  auto first = Schedule(*queue, {.id = 1});
  clock_.WaitUntilBlocked(end);  // it has seen the task, and waits
  auto second = Schedule(*queue, {.id = 2});
  clock_.Advance(absl::Milliseconds(5));
  EXPECT_EQ(first->Wait(), absl::OkStatus());
  EXPECT_EQ(second->Wait(), absl::OkStatus());
  EXPECT_THAT(runs(), ElementsAre(Run{"m", {1, 2}}));
}

TEST_F(BatchSchedulerTest, AFullBatchEndsTheWaiting) {
  BatchQueueOptions options;
  options.max_queue_delay = absl::Hours(1);
  options.max_batch_requests = 2;
  auto queue = AddQueue(options);
  auto first = Schedule(*queue, {.id = 1});
  clock_.WaitUntilBlocked(clock_.Now() + absl::Hours(1));
  auto second = Schedule(*queue, {.id = 2});
  EXPECT_EQ(first->Wait(), absl::OkStatus());
  EXPECT_EQ(second->Wait(), absl::OkStatus());
}

TEST_F(BatchSchedulerTest, RefusesWhatDoesNotFitIntoTheQueue) {
  BatchQueueOptions options;
  options.max_queue_requests = 2;
  auto queue = AddQueue(options);
  HoldExecutor(*queue);
  Schedule(*queue, {.id = 1});
  Tasks two;
  auto a = Add({.id = 2}, &two);
  auto b = Add({.id = 3}, &two);
  const absl::Status status = ScheduleChecked(*queue, &two);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("1 of 2 rows wait, the request has 2"));
  EXPECT_EQ(queue->size(), 1);  // all or none
  Schedule(*queue, {.id = 4});
  gate_.Open();
  EXPECT_TRUE(scheduler_->Drain(absl::InfiniteFuture()));
  EXPECT_EQ(a->times_ended() + b->times_ended(), 0);
  EXPECT_EQ(observer_->dropped(), (std::map<DropReason, int64_t>{{DropReason::kQueueFull, 2}}));
}

TEST_F(BatchSchedulerTest, WhatNeverFitsIsTheCallersMistake) {
  BatchQueueOptions options;
  options.max_queue_requests = 2;
  auto queue = AddQueue(options);
  EXPECT_EQ(queue->capacity(), 2);
  Tasks three;
  for (int id = 1; id <= 3; ++id) Add({.id = id}, &three);
  const absl::Status status = ScheduleChecked(*queue, &three);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("has 3 rows, the queue holds 2"));
  EXPECT_EQ(observer_->dropped(), (std::map<DropReason, int64_t>{{DropReason::kQueueFull, 3}}));
  three.pop_back();
  EXPECT_EQ(ScheduleChecked(*queue, &three), absl::OkStatus());
  EXPECT_TRUE(scheduler_->Drain(absl::InfiniteFuture()));
}

TEST_F(BatchSchedulerTest, RefusesAPassedDeadline) {
  auto queue = AddQueue();
  EXPECT_EQ(Refused(*queue, {.deadline = clock_.Now()}).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Refused(*queue, {.deadline = absl::InfinitePast()}).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(observer_->dropped(),
            (std::map<DropReason, int64_t>{{DropReason::kDeadlineBeforeQueue, 2}}));
  EXPECT_THAT(runs(), IsEmpty());
}

TEST_F(BatchSchedulerTest, RefusesADeadlineThatThePredictedWaitPasses) {
  BatchQueueOptions options;
  options.max_batch_tokens = 10;
  auto queue = AddQueue(options);
  // A full batch that takes 1 s teaches the rate: 100 ms a token.
  gate_.Close();
  auto full = Schedule(*queue, {.cost = 10});
  gate_.WaitForArrivals(1);
  clock_.Advance(absl::Seconds(1));
  gate_.Open();
  EXPECT_EQ(full->Wait(), absl::OkStatus());
  EXPECT_TRUE(scheduler_->Drain(absl::InfiniteFuture()));

  gate_.Close();
  Schedule(*queue, {.group = 1, .cost = 10});
  gate_.WaitForArrivals(2);
  Schedule(*queue, {.group = 2, .cost = 10});  // one full batch ahead: 1 s
  const absl::Status status =
      Refused(*queue, {.group = 3, .deadline = clock_.Now() + absl::Milliseconds(999)});
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(status.message()), HasSubstr("predicted wait is 1s"));
  Schedule(*queue, {.group = 4, .deadline = clock_.Now() + absl::Seconds(1)});
  gate_.Open();
}

TEST_F(BatchSchedulerTest, ADeadlineThatPassesInTheQueueNeverReachesCompute) {
  auto queue = AddQueue();
  HoldExecutor(*queue);
  auto late = Schedule(*queue, {.deadline = clock_.Now() + absl::Seconds(1), .id = 1});
  auto in_time = Schedule(*queue, {.deadline = clock_.Now() + absl::Seconds(3), .id = 2});
  clock_.Advance(absl::Seconds(2));
  gate_.Open();
  EXPECT_EQ(late->Wait().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(in_time->Wait(), absl::OkStatus());
  EXPECT_THAT(runs(), ElementsAre(Run{"m", {-1}}, Run{"m", {2}}));
  EXPECT_EQ(observer_->dropped(),
            (std::map<DropReason, int64_t>{{DropReason::kDeadlineInQueue, 1}}));
}

// The expired task of one queue is answered before another queue's batch, not after it.
TEST_F(BatchSchedulerTest, ExpiredTasksOfEveryQueueAreAnsweredWhenABatchEnds) {
  auto queue = AddQueue();
  auto other = AddQueue({}, "other");
  HoldExecutor(*queue);
  auto late = Schedule(*other, {.deadline = clock_.Now() + absl::Seconds(1), .id = 1});
  Schedule(*queue, {.id = 2});
  clock_.Advance(absl::Seconds(1));
  gate_.Open();
  gate_.Close();
  gate_.WaitForArrivals(2);  // the next batch of `queue` runs
  EXPECT_EQ(late->times_ended(), 1);
  gate_.Open();
}

TEST_F(BatchSchedulerTest, CancelledTasksAreDroppedWhenTheBatchIsFormed) {
  auto queue = AddQueue();
  HoldExecutor(*queue);
  auto cancelled = Schedule(*queue, {.id = 1});
  auto kept = Schedule(*queue, {.id = 2});
  cancelled->Cancel();
  gate_.Open();
  EXPECT_EQ(cancelled->Wait().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(kept->Wait(), absl::OkStatus());
  EXPECT_THAT(runs(), ElementsAre(Run{"m", {-1}}, Run{"m", {2}}));
  EXPECT_EQ(observer_->dropped(), (std::map<DropReason, int64_t>{{DropReason::kCancelled, 1}}));
}

// However many rows of one model wait, another model gets its turn after one batch.
TEST_F(BatchSchedulerTest, QueuesTakeTurns) {
  BatchQueueOptions options;
  options.max_batch_requests = 2;
  auto busy = AddQueue(options, "busy");
  auto other = AddQueue(options, "other");
  HoldExecutor(*busy);
  Tasks rows;
  for (int id = 0; id < 6; ++id) Add({.id = id}, &rows);
  ASSERT_EQ(ScheduleChecked(*busy, &rows), absl::OkStatus());
  clock_.Advance(absl::Seconds(1));
  Schedule(*other, {.group = 1, .id = 10});
  Schedule(*other, {.group = 2, .id = 11});
  Schedule(*other, {.group = 3, .id = 12});
  gate_.Open();
  ASSERT_TRUE(scheduler_->Drain(absl::InfiniteFuture()));
  EXPECT_THAT(runs(), ElementsAre(Run{"busy", {-1}}, Run{"busy", {0, 1}}, Run{"other", {10, 11}},
                                  Run{"busy", {2, 3}}, Run{"other", {12}}, Run{"busy", {4, 5}}));
}

TEST_F(BatchSchedulerTest, CloseRefusesNewAndFinishesOldWork) {
  auto queue = AddQueue();
  auto running = HoldExecutor(*queue);
  auto waiting = Schedule(*queue);
  queue->Close();
  EXPECT_EQ(Refused(*queue).code(), absl::StatusCode::kUnavailable);
  gate_.Open();
  EXPECT_EQ(running->Wait(), absl::OkStatus());
  EXPECT_EQ(waiting->Wait(), absl::OkStatus());
  EXPECT_EQ(observer_->dropped(), (std::map<DropReason, int64_t>{{DropReason::kShutDown, 1}}));
}

TEST_F(BatchSchedulerTest, CloseEndsTheWaitForCompany) {
  BatchQueueOptions options;
  options.max_queue_delay = absl::Hours(1);
  auto queue = AddQueue(options);
  auto waiting = Schedule(*queue);
  clock_.WaitUntilBlocked(clock_.Now() + absl::Hours(1));
  queue->Close();
  EXPECT_EQ(waiting->Wait(), absl::OkStatus());
}

TEST_F(BatchSchedulerTest, ReleasingTheQueueFinishesItsWorkAndReleasesTheRunner) {
  auto held_by_runner = std::make_shared<int>(0);
  const std::weak_ptr<int> alive = held_by_runner;
  auto queue = scheduler_->AddQueue(
      "m", {},
      [this, held_by_runner](Tasks batch) {
        gate_.Pass();
        return MarkAllRun(std::move(batch));
      },
      observer_);
  held_by_runner.reset();
  HoldExecutor(*queue);
  auto waiting = Schedule(*queue);
  queue.reset();
  EXPECT_FALSE(alive.expired());
  gate_.Open();
  EXPECT_EQ(waiting->Wait(), absl::OkStatus());
  ASSERT_TRUE(scheduler_->Drain(absl::InfiniteFuture()));
  EXPECT_TRUE(alive.expired());
  EXPECT_EQ(observer_.use_count(), 1);
}

TEST_F(BatchSchedulerTest, ClosingAnIdleQueueReleasesTheRunnerAtOnce) {
  auto held_by_runner = std::make_shared<int>(0);
  auto queue = scheduler_->AddQueue(
      "m", {}, [held_by_runner](Tasks batch) { return MarkAllRun(std::move(batch)); }, nullptr);
  EXPECT_EQ(held_by_runner.use_count(), 2);
  queue->Close();
  EXPECT_EQ(held_by_runner.use_count(), 1);
}

TEST_F(BatchSchedulerTest, DrainFinishesAcceptedWork) {
  BatchQueueOptions options;
  options.max_batch_requests = 1;
  options.max_queue_delay = absl::Hours(1);  // a drain does not wait for company
  auto queue = AddQueue(options);
  std::vector<std::shared_ptr<TaskOutcome>> outcomes;
  outcomes.push_back(HoldExecutor(*queue));
  for (int i = 0; i < 10; ++i) outcomes.push_back(Schedule(*queue));
  std::thread opener([this] { gate_.Open(); });
  EXPECT_TRUE(scheduler_->Drain(absl::InfiniteFuture()));
  opener.join();
  for (const auto& outcome : outcomes) {
    EXPECT_EQ(outcome->times_ended(), 1);
    EXPECT_EQ(outcome->status(), absl::OkStatus());
  }
  const auto after = Schedule(*queue, {.id = 1});  // a drain closes nothing
  EXPECT_TRUE(scheduler_->Drain(absl::InfiniteFuture()));
  EXPECT_EQ(after->times_ended(), 1);
}

TEST_F(BatchSchedulerTest, DrainGivesUpAtItsDeadline) {
  auto queue = AddQueue();
  auto running = HoldExecutor(*queue);
  const absl::Time deadline = clock_.Now() + absl::Seconds(30);
  std::thread advancer([this, deadline] {
    clock_.WaitUntilBlocked(deadline);
    clock_.Advance(absl::Seconds(30));
  });
  EXPECT_FALSE(scheduler_->Drain(deadline));
  advancer.join();
  EXPECT_EQ(running->times_ended(), 0);
  gate_.Open();
}

TEST_F(BatchSchedulerTest, DrainOfAnIdleSchedulerReturnsAtOnce) {
  auto queue = AddQueue();
  EXPECT_TRUE(scheduler_->Drain(clock_.Now()));
}

TEST_F(BatchSchedulerTest, DestructionDropsWhatWaitsAndFinishesWhatRuns) {
  auto queue = AddQueue();
  auto running = HoldExecutor(*queue);
  auto waiting = Schedule(*queue, {.id = 1});
  std::thread opener([this, waiting] { gate_.Open(); });
  // The executor may take the waiting task before it learns that it shall end: either way each task
  // ends once, and only the waiting one may be dropped.
  scheduler_.reset();
  opener.join();
  EXPECT_EQ(running->Wait(), absl::OkStatus());
  EXPECT_EQ(waiting->times_ended(), 1);
  EXPECT_TRUE(waiting->status().ok() || absl::IsUnavailable(waiting->status()));
  EXPECT_EQ(Refused(*queue).code(), absl::StatusCode::kUnavailable);
}

TEST_F(BatchSchedulerTest, DestructionDropsWhatWaitsForCompany) {
  BatchQueueOptions options;
  options.max_queue_delay = absl::Hours(1);
  auto queue = AddQueue(options);
  auto waiting = Schedule(*queue);
  clock_.WaitUntilBlocked(clock_.Now() + absl::Hours(1));
  scheduler_.reset();
  EXPECT_EQ(waiting->Wait().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(observer_->dropped(), (std::map<DropReason, int64_t>{{DropReason::kShutDown, 1}}));
  EXPECT_EQ(queue->size(), 0);
}

// A completion may schedule again, close the queue, or release the last reference to it.
TEST_F(BatchSchedulerTest, CompletionsMayCallBack) {
  std::shared_ptr<BatchQueue> queue;
  auto again = std::make_shared<TaskOutcome>();
  queue = scheduler_->AddQueue(
      "m", {},
      [&](Tasks batch) -> BatchCompletion {
        const bool first = static_cast<BatchTestTask&>(*batch[0]).spec().id == 1;
        return [&queue, again, first, batch = std::move(batch)] {
          if (first) {
            Tasks tasks;
            tasks.push_back(std::make_unique<BatchTestTask>(BatchTestTask::Spec{.id = 2}, again));
            EXPECT_EQ(ScheduleChecked(*queue, &tasks), absl::OkStatus());
          } else {
            queue.reset();
          }
          static_cast<BatchTestTask&>(*batch[0]).outcome().MarkRun();
        };
      },
      nullptr);
  Schedule(*queue, {.id = 1});
  EXPECT_EQ(again->Wait(), absl::OkStatus());
  EXPECT_EQ(queue, nullptr);
}

// An idle executor waits for a signal alone: it does not poll.
TEST_F(BatchSchedulerTest, AnIdleExecutorSleepsWithoutATimeout) {
  auto queue = AddQueue();
  clock_.WaitUntilBlocked(absl::InfiniteFuture());
  EXPECT_EQ(Schedule(*queue)->Wait(), absl::OkStatus());
  clock_.WaitUntilBlocked(absl::InfiniteFuture());
}

}  // namespace
}  // namespace attentiond
