#include "server/batching/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/batch_test_task.h"

namespace attentiond {
namespace {

using testing::BatchTestTask;
using ::testing::ElementsAre;
using testing::IdsOf;

constexpr absl::Time kStart = absl::UnixEpoch();

class FairQueueTest : public ::testing::Test {
 protected:
  void Push(const BatchTestTask::Spec& spec, absl::Time now = kStart) {
    queue_.Push(std::make_unique<BatchTestTask>(spec), now);
  }
  std::vector<int> TakeAll() {
    std::vector<std::unique_ptr<BatchTask>> taken;
    while (queue_.next() != nullptr) taken.push_back(queue_.TakeNext().task);
    return IdsOf(taken);
  }

  FairQueue queue_;
};

TEST_F(FairQueueTest, EmptyHasNothingToGive) {
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.next(), nullptr);
  EXPECT_EQ(queue_.oldest_arrival(), absl::InfiniteFuture());
  EXPECT_EQ(queue_.next_deadline(), absl::InfiniteFuture());
  EXPECT_FALSE(queue_.DiscardExpired(absl::InfiniteFuture()).has_value());
}

TEST_F(FairQueueTest, OneGroupKeepsItsOrder) {
  for (int id = 0; id < 5; ++id) Push({.group = 7, .id = id});
  EXPECT_THAT(TakeAll(), ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(FairQueueTest, GroupsTakeTurnsOldestFirst) {
  for (int id = 0; id < 3; ++id) Push({.group = 1, .id = id});
  Push({.group = 2, .id = 10});
  for (int id = 20; id < 22; ++id) Push({.group = 3, .id = id});
  EXPECT_THAT(TakeAll(), ElementsAre(0, 10, 20, 1, 21, 2));
}

TEST_F(FairQueueTest, ClientsTakeTurnsHoweverManyRequestsTheyHave) {
  for (uint64_t group = 1; group <= 3; ++group) {
    for (int row = 0; row < 2; ++row) {
      Push({.client = 100, .group = group, .id = static_cast<int>(10 * group) + row});
    }
  }
  for (int id = 0; id < 3; ++id) Push({.client = 200, .group = 9, .id = id});
  EXPECT_THAT(TakeAll(), ElementsAre(10, 0, 20, 1, 30, 2, 11, 21, 31));
}

TEST_F(FairQueueTest, AClientThatComesBackStandsAtTheEnd) {
  Push({.client = 1, .group = 1, .id = 1});
  for (int id = 20; id < 23; ++id) Push({.client = 2, .group = 2, .id = id});
  EXPECT_EQ(queue_.TakeNext().task->client(), 1u);
  Push({.client = 1, .group = 3, .id = 3});
  EXPECT_THAT(TakeAll(), ElementsAre(20, 3, 21, 22));
  EXPECT_EQ(queue_.num_groups(), 0);
}

TEST_F(FairQueueTest, TurnsGoOnWhereTheyStopped) {
  for (int id = 0; id < 4; ++id) Push({.group = 1, .id = id});
  EXPECT_EQ(IdsOf([this] {
              std::vector<std::unique_ptr<BatchTask>> first;
              first.push_back(queue_.TakeNext().task);
              return first;
            }()),
            std::vector<int>{0});
  // Group 1 has had its turn and stands before group 2, which came later, only by one place.
  Push({.group = 2, .id = 10});
  EXPECT_THAT(TakeAll(), ElementsAre(1, 10, 2, 3));
}

TEST_F(FairQueueTest, DiscardingKeepsTheTurn) {
  Push({.group = 1, .id = 0});
  Push({.group = 1, .id = 1});
  Push({.group = 2, .id = 10});
  queue_.DiscardNext();
  EXPECT_THAT(TakeAll(), ElementsAre(1, 10));
}

TEST_F(FairQueueTest, ExpiredAreFoundAnywhereEarliestFirst) {
  Push({.group = 1, .id = 0});
  Push({.group = 1, .deadline = kStart + absl::Seconds(2), .id = 1});
  Push({.group = 2, .deadline = kStart + absl::Seconds(1), .id = 2});
  Push({.group = 2, .deadline = kStart + absl::Seconds(3), .id = 3});
  EXPECT_EQ(queue_.next_deadline(), kStart + absl::Seconds(1));
  std::vector<std::unique_ptr<BatchTask>> expired;
  while (auto waiting = queue_.DiscardExpired(kStart + absl::Seconds(2))) {
    expired.push_back(std::move(waiting->task));
  }
  EXPECT_THAT(IdsOf(expired), ElementsAre(2, 1));  // a deadline that is now has passed
  EXPECT_EQ(queue_.next_deadline(), kStart + absl::Seconds(3));
  EXPECT_THAT(TakeAll(), ElementsAre(0, 3));
}

TEST_F(FairQueueTest, CountsFollowEveryChange) {
  Push({.group = 1, .cost = 5}, kStart);
  Push({.group = 1, .cost = 6, .deadline = kStart + absl::Hours(1)}, kStart + absl::Seconds(1));
  Push({.group = 2, .cost = 7}, kStart + absl::Seconds(2));
  EXPECT_EQ(queue_.size(), 3);
  EXPECT_EQ(queue_.num_groups(), 2);
  EXPECT_EQ(queue_.tokens(), 18);
  EXPECT_EQ(queue_.oldest_arrival(), kStart);
  queue_.TakeNext();
  EXPECT_EQ(queue_.tokens(), 13);
  EXPECT_EQ(queue_.oldest_arrival(), kStart + absl::Seconds(1));
  queue_.DiscardExpired(kStart + absl::Hours(1));
  EXPECT_EQ(queue_.num_groups(), 1);
  EXPECT_EQ(queue_.oldest_arrival(), kStart + absl::Seconds(2));
  queue_.TakeNext();
  EXPECT_EQ(queue_.tokens(), 0);
  EXPECT_EQ(queue_.num_groups(), 0);
  EXPECT_TRUE(queue_.empty());
}

TEST_F(FairQueueTest, EmptiedGroupsStartAgainAtTheEnd) {
  Push({.group = 1, .id = 0});
  Push({.group = 2, .id = 10});
  queue_.TakeNext();
  Push({.group = 1, .id = 1});
  EXPECT_THAT(TakeAll(), ElementsAre(10, 1));
}

}  // namespace
}  // namespace attentiond
