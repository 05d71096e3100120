// Many threads at one scheduler, on the real clock: what ThreadSanitizer and AddressSanitizer
// shall look at. Every accepted task must end exactly once, however queues come and go.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"
#include "server/batching/batch_scheduler.h"
#include "tests/testing/batch_test_task.h"

namespace attentiond {
namespace {

using testing::BatchTestTask;
using testing::MarkAllRun;
using testing::ScheduleChecked;
using testing::TaskOutcome;
using Tasks = std::vector<std::unique_ptr<BatchTask>>;

constexpr int kThreads = 16;
constexpr int kRequests = 200;
constexpr int kQueues = 3;

class Stress {
 public:
  Stress() {
    for (int i = 0; i < kQueues; ++i) Replace(i);
  }

  void Hammer(uint32_t seed) {
    std::mt19937 random(seed);
    const auto pick = [&random](int low, int high) {
      return std::uniform_int_distribution<int>(low, high)(random);
    };
    for (int i = 0; i < kRequests; ++i) {
      Tasks tasks;
      std::vector<std::shared_ptr<TaskOutcome>> outcomes;
      BatchTestTask::Spec spec;
      spec.group = next_group_.fetch_add(1);
      spec.cost = pick(1, 20);
      if (pick(0, 3) == 0)
        spec.deadline = scheduler_clock_->Now() + absl::Microseconds(pick(0, 99));
      for (int row = pick(1, 8); row > 0; --row) {
        outcomes.push_back(std::make_shared<TaskOutcome>());
        tasks.push_back(std::make_unique<BatchTestTask>(spec, outcomes.back()));
      }
      const int queue = pick(0, kQueues - 1);
      const bool accepted = ScheduleChecked(*Get(queue), &tasks).ok();
      if (pick(0, 3) == 0) outcomes[0]->Cancel();
      if (pick(0, 50) == 0) Replace(queue);
      if (pick(0, 50) == 0) scheduler_->Drain(scheduler_clock_->Now() + absl::Microseconds(50));
      for (const auto& outcome : outcomes) {
        if (accepted) {
          const absl::Status status = outcome->Wait();
          EXPECT_TRUE(status.ok() || absl::IsCancelled(status) || absl::IsDeadlineExceeded(status))
              << status;
        }
        EXPECT_EQ(outcome->times_ended(), accepted ? 1 : 0);
      }
    }
  }

 private:
  std::shared_ptr<BatchQueue> Get(int index) {
    MutexLock lock(&mutex_);
    return queues_[index];
  }
  // As when a model is loaded again: the old queue goes with its last user.
  void Replace(int index) {
    BatchQueueOptions options;
    options.max_batch_requests = 16;
    options.max_queue_requests = 64;
    auto queue = scheduler_->AddQueue(absl::StrCat("queue ", index), options, &MarkAllRun, nullptr);
    MutexLock lock(&mutex_);
    queues_[index].swap(queue);
  }

  Clock* const scheduler_clock_ = Clock::Real();
  std::unique_ptr<BatchScheduler> scheduler_ = std::make_unique<BatchScheduler>(scheduler_clock_);
  std::atomic<uint64_t> next_group_{0};
  Mutex mutex_;
  std::shared_ptr<BatchQueue> queues_[kQueues] ABSL_GUARDED_BY(mutex_);
};

TEST(BatchStressTest, EveryAcceptedTaskEndsOnce) {
  Stress stress;
  std::vector<std::thread> threads;
  for (uint32_t seed = 1; seed <= kThreads; ++seed) {
    threads.emplace_back([&stress, seed] { stress.Hammer(seed); });
  }
  for (std::thread& thread : threads) thread.join();
}

// Threads schedule while the scheduler is destroyed: what it accepted ends, the rest is refused.
TEST(BatchStressTest, DestructionRacesWithScheduling) {
  for (int round = 0; round < 20; ++round) {
    auto scheduler = std::make_unique<BatchScheduler>(Clock::Real());
    const auto queue = scheduler->AddQueue("m", {}, &MarkAllRun, nullptr);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&queue] {
        absl::Status status;
        while (status.ok()) {
          Tasks tasks;
          auto outcome = std::make_shared<TaskOutcome>();
          tasks.push_back(std::make_unique<BatchTestTask>(BatchTestTask::Spec{}, outcome));
          status = ScheduleChecked(*queue, &tasks);
          if (status.ok()) status = outcome->Wait();
        }
        EXPECT_TRUE(absl::IsUnavailable(status)) << status;
      });
    }
    scheduler.reset();
    for (std::thread& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace attentiond
