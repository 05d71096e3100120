// Queues whose tasks take many steps: joining, leaving, turns with other queues, draining, closing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/mutex.h"
#include "server/batching/batch_scheduler.h"
#include "tests/testing/batch_test_task.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/gate.h"

namespace attentiond {
namespace {

using testing::BatchTestTask;
using ::testing::ElementsAre;
using testing::FakeClock;
using testing::Gate;
using testing::MarkAllRun;
using testing::ScheduleChecked;
using testing::TaskOutcome;
using Tasks = std::vector<std::unique_ptr<BatchTask>>;

/// A task needs as many steps as it costs; at most `room` run at once.
class Stepper final : public StepRunner {
 public:
  explicit Stepper(size_t room, Gate* gate) : room_(room), gate_(*gate) {}

  bool TakeRoom(const BatchTask&) override {
    if (running_.size() + taken_ >= room_) return false;
    ++taken_;
    return true;
  }
  StepReport Step(Tasks joining) override {
    EXPECT_EQ(joining.size(), taken_);
    taken_ = 0;
    for (auto& task : joining) {
      const int64_t steps = task->cost();
      running_.push_back(
          {std::unique_ptr<BatchTestTask>(static_cast<BatchTestTask*>(task.release())), steps});
    }
    {
      MutexLock lock(&mutex_);
      steps_.emplace_back();
      for (const Running& running : running_) steps_.back().push_back(running.task->spec().id);
    }
    gate_.Pass();
    StepReport report;
    report.tasks = static_cast<int64_t>(running_.size());
    report.tokens = report.tasks;
    Tasks done;
    for (Running& running : running_) {
      if (--running.steps == 0) done.push_back(std::move(running.task));
    }
    std::erase_if(running_, [](const Running& running) { return running.steps == 0; });
    report.complete = MarkAllRun(std::move(done));
    return report;
  }
  bool running() const override { return !running_.empty(); }
  void Abort(const absl::Status& reason) override {
    for (Running& running : running_) running.task->Drop(reason);
    running_.clear();
  }

  std::vector<std::vector<int>> steps() {
    MutexLock lock(&mutex_);
    return steps_;
  }

 private:
  struct Running {
    std::unique_ptr<BatchTestTask> task;
    int64_t steps = 0;
  };
  const size_t room_;
  Gate& gate_;
  size_t taken_ = 0;
  std::vector<Running> running_;
  Mutex mutex_;
  std::vector<std::vector<int>> steps_ ABSL_GUARDED_BY(mutex_);
};

class StepQueueTest : public ::testing::Test {
 protected:
  std::shared_ptr<TaskOutcome> Schedule(BatchQueue& queue, int id, int64_t steps) {
    auto outcome = std::make_shared<TaskOutcome>();
    Tasks tasks;
    tasks.push_back(std::make_unique<BatchTestTask>(
        BatchTestTask::Spec{.group = static_cast<uint64_t>(id), .cost = steps, .id = id}, outcome));
    EXPECT_EQ(ScheduleChecked(queue, &tasks), absl::OkStatus());
    return outcome;
  }

  FakeClock clock_;
  Gate gate_;
  std::shared_ptr<Stepper> stepper_ = std::make_shared<Stepper>(2, &gate_);
  std::unique_ptr<BatchScheduler> scheduler_ = std::make_unique<BatchScheduler>(&clock_);
  std::shared_ptr<BatchQueue> queue_ = scheduler_->AddStepQueue("m", {}, stepper_, nullptr);
};

TEST_F(StepQueueTest, AShortTaskDoesNotWaitForALongOne) {
  gate_.Close();
  const auto long_one = Schedule(*queue_, 1, 3);
  gate_.WaitForArrivals(1);
  const auto short_one = Schedule(*queue_, 2, 1);
  const auto third = Schedule(*queue_, 3, 1);
  gate_.Open();
  EXPECT_EQ(short_one->Wait(), absl::OkStatus());
  EXPECT_EQ(long_one->Wait(), absl::OkStatus());
  EXPECT_EQ(third->Wait(), absl::OkStatus());
  // The third had to wait for room, and joined as soon as the second had left.
  EXPECT_THAT(stepper_->steps(), ElementsAre(ElementsAre(1), ElementsAre(1, 2), ElementsAre(1, 3)));
}

TEST_F(StepQueueTest, StepsTakeTurnsWithOtherQueues) {
  Mutex mutex;
  std::vector<size_t> steps_before;
  const auto other = scheduler_->AddQueue(
      "other", {.max_batch_requests = 1},
      [&](Tasks batch) {
        MutexLock lock(&mutex);
        steps_before.push_back(stepper_->steps().size());
        return MarkAllRun(std::move(batch));
      },
      nullptr);
  gate_.Close();
  const auto long_one = Schedule(*queue_, 1, 5);
  gate_.WaitForArrivals(1);
  const auto first = Schedule(*other, 2, 1), second = Schedule(*other, 3, 1);
  gate_.Open();
  EXPECT_EQ(first->Wait(), absl::OkStatus());
  EXPECT_EQ(second->Wait(), absl::OkStatus());
  EXPECT_EQ(long_one->Wait(), absl::OkStatus());
  MutexLock lock(&mutex);
  EXPECT_THAT(steps_before, ElementsAre(2u, 3u));
}

TEST_F(StepQueueTest, DrainingWaitsForWhatRuns) {
  const auto outcome = Schedule(*queue_, 1, 100);
  EXPECT_TRUE(scheduler_->Drain(absl::InfiniteFuture()));
  EXPECT_EQ(outcome->times_ended(), 1);
  EXPECT_EQ(outcome->status(), absl::OkStatus());
}

TEST_F(StepQueueTest, AClosedQueueFinishesWhatItHasAndLetsItsRunnerGo) {
  gate_.Close();
  const auto running = Schedule(*queue_, 1, 2);
  gate_.WaitForArrivals(1);
  const auto waiting = Schedule(*queue_, 2, 1);
  queue_->Close();
  const std::weak_ptr<Stepper> watched = stepper_;
  stepper_.reset();
  gate_.Open();
  EXPECT_EQ(running->Wait(), absl::OkStatus());
  EXPECT_EQ(waiting->Wait(), absl::OkStatus());
  EXPECT_TRUE(scheduler_->Drain(absl::InfiniteFuture()));
  EXPECT_TRUE(watched.expired());
}

TEST_F(StepQueueTest, ShuttingDownDropsWhatRunsAfterItsStep) {
  gate_.Close();
  const auto running = Schedule(*queue_, 1, 1000);
  gate_.WaitForArrivals(1);
  const auto waiting = Schedule(*queue_, 2, 1);
  std::thread destroyer([this] { scheduler_.reset(); });
  gate_.Open();
  EXPECT_TRUE(absl::IsUnavailable(running->Wait()) || running->status().ok());
  EXPECT_TRUE(absl::IsUnavailable(waiting->Wait()) || waiting->status().ok());
  destroyer.join();
  EXPECT_EQ(running->times_ended(), 1);
  EXPECT_EQ(waiting->times_ended(), 1);
}

TEST_F(StepQueueTest, NothingIsSteppedWhenNothingRuns) {
  const auto outcome = Schedule(*queue_, 1, 2);
  EXPECT_EQ(outcome->Wait(), absl::OkStatus());
  EXPECT_TRUE(scheduler_->Drain(absl::InfiniteFuture()));
  EXPECT_THAT(stepper_->steps(), ElementsAre(ElementsAre(1), ElementsAre(1)));
}

}  // namespace
}  // namespace attentiond
