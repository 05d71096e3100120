#include "server/results/row_sharing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::Time At(int second) { return absl::UnixEpoch() + absl::Seconds(second); }

EncoderRowResult Result(float value, size_t size = 1) {
  EncoderRowResult result;
  result.embedding.assign(size, value);
  return result;
}

std::vector<float> Values(const std::vector<EncoderRowResult>& results) {
  std::vector<float> values;
  for (const EncoderRowResult& result : results) values.push_back(result.embedding.at(0));
  return values;
}

class RowSharingTest : public ::testing::Test {
 protected:
  const RowKey a_ = "a", b_ = "b", c_ = "c";
  RowSharing sharing_;
};

TEST_F(RowSharingTest, TheSameRowsOfABatchAreComputedOnce) {
  EXPECT_THAT(
      sharing_.Begin({{&a_, At(0)}, {&b_, At(0)}, {&a_, At(0)}, {&c_, At(0)}, {&b_, At(0)}}),
      ElementsAre(0, 1, 3));
  EXPECT_THAT(Values(sharing_.End({Result(1), Result(2), Result(3)}, At(1))),
              ElementsAre(1, 2, 1, 3, 2));
}

TEST_F(RowSharingTest, RowsQueuedWhileTheSameWereComputedAreNotComputedAgain) {
  sharing_.Begin({{&a_, At(0)}, {&b_, At(0)}});
  sharing_.End({Result(1), Result(2)}, At(10));
  EXPECT_THAT(sharing_.Begin({{&b_, At(9)}, {&c_, At(9)}, {&b_, At(9)}, {&a_, At(9)}}),
              ElementsAre(1));
  EXPECT_THAT(Values(sharing_.End({Result(3)}, At(20))), ElementsAre(2, 3, 2, 1));
}

TEST_F(RowSharingTest, ABatchMayHaveNothingToCompute) {
  sharing_.Begin({{&a_, At(0)}});
  sharing_.End({Result(1)}, At(10));
  EXPECT_THAT(sharing_.Begin({{&a_, At(5)}}), IsEmpty());
  EXPECT_THAT(Values(sharing_.End({}, At(20))), ElementsAre(1));
}

TEST_F(RowSharingTest, RowsQueuedLaterAreComputedAgain) {
  sharing_.Begin({{&a_, At(0)}});
  sharing_.End({Result(1)}, At(10));
  EXPECT_THAT(sharing_.Begin({{&a_, At(11)}, {&a_, At(9)}}), ElementsAre(0));
  EXPECT_THAT(Values(sharing_.End({Result(2)}, At(20))), ElementsAre(2, 2));
}

TEST_F(RowSharingTest, OnlyTheLastBatchIsRemembered) {
  sharing_.Begin({{&a_, At(0)}});
  sharing_.End({Result(1)}, At(10));
  sharing_.Begin({{&b_, At(0)}});
  sharing_.End({Result(2)}, At(20));
  EXPECT_THAT(sharing_.Begin({{&a_, At(0)}, {&b_, At(0)}}), ElementsAre(0));
}

TEST_F(RowSharingTest, NothingIsRememberedOfAFailedBatch) {
  sharing_.Begin({{&a_, At(0)}});
  sharing_.End({Result(1)}, At(10));
  sharing_.Begin({{&b_, At(0)}});
  sharing_.Abandon();
  EXPECT_THAT(sharing_.Begin({{&a_, At(0)}, {&b_, At(0)}}), ElementsAre(0, 1));
}

TEST_F(RowSharingTest, LargeResultsAreSharedInTheirBatchAlone) {
  sharing_.Begin({{&a_, At(0)}, {&a_, At(0)}});
  EXPECT_THAT(Values(sharing_.End({Result(1, 1 << 20)}, At(10))), ElementsAre(1, 1));
  EXPECT_THAT(sharing_.Begin({{&a_, At(5)}}), ElementsAre(0));
}

}  // namespace
}  // namespace attentiond
