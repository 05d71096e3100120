#include "server/batching/wait_estimate.h"

#include <gtest/gtest.h>

#include "tests/testing/batch_test_task.h"

namespace attentiond {
namespace {

using testing::BatchTestTask;

constexpr absl::Duration kPerToken = absl::Milliseconds(1);

class WaitEstimateTest : public ::testing::Test {
 protected:
  WaitEstimateTest() {
    options_.max_batch_tokens = 100;
    options_.max_batch_requests = 1000;
  }
  void Fill(uint64_t group, int tasks, int64_t cost) {
    for (int i = 0; i < tasks; ++i) {
      queue_.Push(
          std::make_unique<BatchTestTask>(BatchTestTask::Spec{.group = group, .cost = cost}),
          absl::UnixEpoch());
    }
  }

  BatchQueueOptions options_;
  FairQueue queue_;
};

TEST_F(WaitEstimateTest, PredictsNothingBeforeABatchWasTimed) {
  const WaitEstimate estimate(options_);
  for (uint64_t group = 0; group < 50; ++group) Fill(group, 1, 10);
  EXPECT_EQ(estimate.Predict(queue_, 1), absl::ZeroDuration());
}

TEST_F(WaitEstimateTest, LearnsNothingFromASmallBatch) {
  WaitEstimate estimate(options_);
  estimate.Record(1, 1, absl::Seconds(1));
  for (uint64_t group = 0; group < 50; ++group) Fill(group, 1, 10);
  EXPECT_EQ(estimate.Predict(queue_, 1), absl::ZeroDuration());
}

TEST_F(WaitEstimateTest, ChargesTheTokensAhead) {
  WaitEstimate estimate(options_);
  estimate.Record(10, 100, 100 * kPerToken);
  for (uint64_t group = 0; group < 50; ++group) Fill(group, 1, 10);
  EXPECT_EQ(estimate.Predict(queue_, 1), 500 * kPerToken);
}

TEST_F(WaitEstimateTest, IsZeroWhenTheTaskWouldJoinTheNextBatch) {
  WaitEstimate estimate(options_);
  estimate.Record(10, 100, 100 * kPerToken);
  EXPECT_EQ(estimate.Predict(queue_, 1), absl::ZeroDuration());
  for (uint64_t group = 0; group < 9; ++group) Fill(group, 1, 10);
  EXPECT_EQ(estimate.Predict(queue_, 1), absl::ZeroDuration());
}

TEST_F(WaitEstimateTest, AOneRowRequestDoesNotWaitForAllOfALargeOne) {
  WaitEstimate estimate(options_);
  estimate.Record(10, 100, 100 * kPerToken);
  Fill(1, 1000, 10);
  EXPECT_EQ(estimate.Predict(queue_, 1), absl::ZeroDuration());  // one row of the large one first
  EXPECT_EQ(estimate.Predict(queue_, 20), 200 * kPerToken);      // twenty rows take turns
  EXPECT_EQ(estimate.Predict(queue_, 5000), 10000 * kPerToken);  // no more than there are
}

TEST_F(WaitEstimateTest, FollowsTheNewestBatchesSmoothly) {
  WaitEstimate estimate(options_);
  estimate.Record(10, 100, 100 * kPerToken);
  for (uint64_t group = 0; group < 10; ++group) Fill(group, 1, 10);
  absl::Duration last = estimate.Predict(queue_, 1);
  EXPECT_EQ(last, 100 * kPerToken);
  for (int i = 0; i < 20; ++i) {
    estimate.Record(10, 100, 200 * kPerToken);
    const absl::Duration next = estimate.Predict(queue_, 1);
    EXPECT_GT(next, last);
    EXPECT_LT(next, 200 * kPerToken);
    last = next;
  }
  // 0.75^20 of the first estimate is left: 0.3 %.
  EXPECT_GT(last, 199 * kPerToken);
}

TEST_F(WaitEstimateTest, CountsBatchesByRequestsToo) {
  options_.max_batch_requests = 4;
  WaitEstimate estimate(options_);
  estimate.Record(4, 4, 4 * kPerToken);
  for (uint64_t group = 0; group < 8; ++group) Fill(group, 1, 1);
  EXPECT_EQ(estimate.Predict(queue_, 1), 8 * kPerToken);
}

}  // namespace
}  // namespace attentiond
