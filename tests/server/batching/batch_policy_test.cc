#include "server/batching/batch_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/batch_test_task.h"

namespace attentiond {
namespace {

using testing::BatchTestTask;
using ::testing::ElementsAre;
using testing::IdsOf;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::TaskOutcome;

constexpr absl::Time kNow = absl::FromUnixSeconds(1000);

class BatchPolicyTest : public ::testing::Test {
 protected:
  std::shared_ptr<TaskOutcome> Push(const BatchTestTask::Spec& spec, absl::Time arrival = kNow) {
    auto outcome = std::make_shared<TaskOutcome>();
    queue_.Push(std::make_unique<BatchTestTask>(spec, outcome), arrival);
    return outcome;
  }
  FormedBatch Form(absl::Time now = kNow) { return FormBatch(options_, now, &queue_); }

  BatchQueueOptions options_;
  FairQueue queue_;
};

TEST_F(BatchPolicyTest, EmptyQueueGivesAnEmptyBatch) {
  const FormedBatch batch = Form();
  EXPECT_THAT(batch.tasks, IsEmpty());
  EXPECT_EQ(batch.tokens, 0);
}

TEST_F(BatchPolicyTest, TakesEverythingThatFits) {
  Push({.cost = 3, .id = 1}, kNow - absl::Seconds(2));
  Push({.cost = 4, .id = 2}, kNow - absl::Seconds(1));
  const FormedBatch batch = Form();
  EXPECT_THAT(IdsOf(batch.tasks), ElementsAre(1, 2));
  EXPECT_EQ(batch.tokens, 7);
  EXPECT_THAT(batch.waited, ElementsAre(absl::Seconds(2), absl::Seconds(1)));
  EXPECT_TRUE(queue_.empty());
}

TEST_F(BatchPolicyTest, HoldsAtMostMaxBatchRequests) {
  options_.max_batch_requests = 2;
  for (int id = 0; id < 5; ++id) Push({.id = id});
  EXPECT_THAT(IdsOf(Form().tasks), ElementsAre(0, 1));
  EXPECT_THAT(IdsOf(Form().tasks), ElementsAre(2, 3));
  EXPECT_THAT(IdsOf(Form().tasks), ElementsAre(4));
}

TEST_F(BatchPolicyTest, HoldsAtMostMaxBatchTokens) {
  options_.max_batch_tokens = 10;
  for (int id = 0; id < 3; ++id) Push({.cost = 5, .id = id});
  const FormedBatch batch = Form();
  EXPECT_THAT(IdsOf(batch.tasks), ElementsAre(0, 1));  // exactly full
  EXPECT_EQ(batch.tokens, 10);
}

TEST_F(BatchPolicyTest, EndsAtTheFirstTaskThatDoesNotFit) {
  options_.max_batch_tokens = 10;
  Push({.group = 1, .cost = 6, .id = 1});
  Push({.group = 2, .cost = 5, .id = 2});
  Push({.group = 3, .cost = 1, .id = 3});  // would fit, but must not pass 2 by
  EXPECT_THAT(IdsOf(Form().tasks), ElementsAre(1));
  EXPECT_THAT(IdsOf(Form().tasks), ElementsAre(2, 3));
}

TEST_F(BatchPolicyTest, TooLargeATaskRunsAlone) {
  options_.max_batch_tokens = 10;
  Push({.group = 1, .cost = 1, .id = 1});
  Push({.group = 2, .cost = 11, .id = 2});
  Push({.group = 3, .cost = 1, .id = 3});
  EXPECT_THAT(IdsOf(Form().tasks), ElementsAre(1));
  EXPECT_THAT(IdsOf(Form().tasks), ElementsAre(2));
  EXPECT_THAT(IdsOf(Form().tasks), ElementsAre(3));
}

TEST_F(BatchPolicyTest, ARequestOfOneRowRidesWithTheFirstRowsOfALargeOne) {
  options_.max_batch_requests = 4;
  for (int id = 0; id < 1000; ++id) Push({.group = 1, .id = id});
  Push({.group = 2, .id = 5000});
  EXPECT_THAT(IdsOf(Form().tasks), ElementsAre(0, 5000, 1, 2));
}

TEST_F(BatchPolicyTest, ALateRequestIsNotStarvedEvenByBatchesOfOne) {
  options_.max_batch_requests = 1;
  for (int id = 0; id < 1000; ++id) Push({.group = 1, .id = id});
  EXPECT_THAT(IdsOf(Form().tasks), ElementsAre(0));
  Push({.group = 2, .id = 5000});
  EXPECT_THAT(IdsOf(Form().tasks), ElementsAre(1));
  EXPECT_THAT(IdsOf(Form().tasks), ElementsAre(5000));
}

TEST_F(BatchPolicyTest, ExpiredTasksAreTakenOutWhereverTheyWait) {
  options_.max_batch_requests = 1;
  Push({.group = 1, .id = 1});
  Push({.group = 1, .deadline = kNow, .id = 2});
  Push({.group = 2, .deadline = kNow + absl::Nanoseconds(1), .id = 3});
  const FormedBatch batch = Form();
  EXPECT_THAT(IdsOf(batch.tasks), ElementsAre(1));
  EXPECT_THAT(IdsOf(batch.expired), ElementsAre(2));
  EXPECT_EQ(queue_.size(), 1);
}

TEST_F(BatchPolicyTest, CancelledTasksTakeNoPlace) {
  options_.max_batch_requests = 2;
  Push({.group = 1, .id = 1})->Cancel();
  Push({.group = 1, .id = 2})->Cancel();
  Push({.group = 2, .id = 3});
  Push({.group = 3, .id = 4});
  const FormedBatch batch = Form();
  EXPECT_THAT(IdsOf(batch.tasks), ElementsAre(3, 4));
  EXPECT_THAT(IdsOf(batch.cancelled), ElementsAre(1, 2));
}

TEST_F(BatchPolicyTest, OnlyCancelledTasksMakeAnEmptyBatch) {
  Push({.id = 1})->Cancel();
  const FormedBatch batch = Form();
  EXPECT_THAT(batch.tasks, IsEmpty());
  EXPECT_THAT(batch.cancelled, SizeIs(1));
}

TEST_F(BatchPolicyTest, FormsAtOnceWithoutADelay) {
  EXPECT_EQ(FormationTime(queue_, options_), absl::InfiniteFuture());
  Push({}, kNow);
  EXPECT_LE(FormationTime(queue_, options_), kNow);
}

TEST_F(BatchPolicyTest, WaitsForCompanyAsLongAsTheOldestTaskMay) {
  options_.max_queue_delay = absl::Milliseconds(5);
  Push({}, kNow);
  Push({}, kNow + absl::Milliseconds(3));
  EXPECT_EQ(FormationTime(queue_, options_), kNow + absl::Milliseconds(5));
}

TEST_F(BatchPolicyTest, AFullBatchDoesNotWait) {
  options_.max_queue_delay = absl::Milliseconds(5);
  options_.max_batch_requests = 2;
  Push({}, kNow);
  EXPECT_GT(FormationTime(queue_, options_), kNow);
  Push({}, kNow);
  EXPECT_LE(FormationTime(queue_, options_), kNow);

  FairQueue by_tokens;
  options_.max_batch_tokens = 8;
  by_tokens.Push(std::make_unique<BatchTestTask>(BatchTestTask::Spec{.cost = 8}), kNow);
  EXPECT_LE(FormationTime(by_tokens, options_), kNow);
}

TEST_F(BatchPolicyTest, ADeadlineWithinTheDelayEndsTheWaiting) {
  options_.max_queue_delay = absl::Milliseconds(5);
  Push({.deadline = kNow + absl::Milliseconds(6)}, kNow);
  EXPECT_EQ(FormationTime(queue_, options_), kNow + absl::Milliseconds(5));
  Push({.deadline = kNow + absl::Milliseconds(5)}, kNow);
  EXPECT_LE(FormationTime(queue_, options_), kNow);
}

// What stays costs nothing: forming every batch of a large queue touches each task a bounded number
// of times. Counted through cancelled(), which the policy asks of each task that it looks at.
TEST_F(BatchPolicyTest, FormationLooksOnlyAtWhatItTakes) {
  class CountingTask final : public BatchTask {
   public:
    CountingTask(uint64_t group, int64_t* looks) : group_(group), looks_(looks) {}
    int64_t cost() const override { return 1; }
    uint64_t group() const override { return group_; }
    absl::Time deadline() const override { return absl::InfiniteFuture(); }
    bool cancelled() const override {
      ++*looks_;
      return false;
    }
    void Drop(const absl::Status& /*reason*/) override {}

   private:
    const uint64_t group_;
    int64_t* const looks_;
  };
  constexpr int64_t kTasks = 20000;
  int64_t looks = 0;
  for (int64_t i = 0; i < kTasks; ++i) {
    queue_.Push(std::make_unique<CountingTask>(static_cast<uint64_t>(i % 100), &looks), kNow);
  }
  options_.max_batch_requests = 10;
  int64_t taken = 0;
  while (!queue_.empty()) taken += static_cast<int64_t>(Form().tasks.size());
  EXPECT_EQ(taken, kTasks);
  EXPECT_LE(looks, 2 * kTasks);  // once when taken, once when it was the first not to fit
}

}  // namespace
}  // namespace attentiond
