#include "core/engine/ragged_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

bool Never(const EncoderRow&) { return false; }

TEST(RaggedBatchTest, LaysRowsOneAfterTheOtherAndThoseWithAttentionsLast) {
  const std::vector<int32_t> a = {1, 2}, b = {3}, c = {4, 5, 6}, types = {1, 0, 1},
                             positions = {9, 8, 7};
  EncoderRow rows[4];
  rows[0].ids = a;
  rows[0].want_attentions = true;
  rows[1].ids = b;
  rows[2].ids = c;
  rows[2].type_ids = types;
  rows[2].positions = positions;
  rows[3].ids = b;
  rows[3].want_attentions = true;
  const RaggedBatch batch = MakeRaggedBatch(rows, true, {}, Never);
  EXPECT_THAT(batch.rows, ElementsAre(1, 2, 0, 3));
  EXPECT_THAT(batch.cumulative, ElementsAre(0, 1, 4, 6, 7));
  EXPECT_THAT(batch.ids, ElementsAre(3, 4, 5, 6, 1, 2, 3));
  EXPECT_THAT(batch.type_ids, ElementsAre(0, 1, 0, 1, 0, 0, 0));
  EXPECT_THAT(batch.positions, ElementsAre(0, 9, 8, 7, 0, 1, 0));
  EXPECT_EQ(batch.length(1), 3);
}

TEST(RaggedBatchTest, PutsThoseThatNeedTheirFirstTokenFirst) {
  const std::vector<int32_t> a = {1, 2}, b = {3}, c = {4, 5, 6};
  EncoderRow rows[4];
  rows[0].ids = a;
  rows[0].want_attentions = true;
  rows[1].ids = b;
  rows[2].ids = c;
  rows[2].want_logits = true;
  rows[3].ids = a;
  rows[3].want_logits = true;
  RaggedBatch batch =
      MakeRaggedBatch(rows, true, {}, [](const EncoderRow& row) { return row.want_logits; });
  EXPECT_THAT(batch.rows, ElementsAre(2, 3, 1, 0));
  EXPECT_EQ(batch.first_token_rows, 2u);
  EXPECT_THAT(batch.cumulative, ElementsAre(0, 3, 5, 6, 8));
  batch.KeepFirstTokens();
  EXPECT_THAT(batch.cumulative, ElementsAre(0, 1, 2, 3, 5));
}

TEST(RaggedBatchTest, KeepsFirstTokensOfAll) {
  RaggedBatch batch;
  batch.cumulative = {0, 5, 6, 9};
  batch.first_token_rows = 3;
  batch.KeepFirstTokens();
  EXPECT_THAT(batch.cumulative, ElementsAre(0, 1, 2, 3));
}

TEST(RaggedBatchTest, HasNoTypesForAModelWithout) {
  const std::vector<int32_t> ids = {1, 2};
  EncoderRow row;
  row.ids = ids;
  EXPECT_THAT(MakeRaggedBatch({&row, 1}, false, {}, Never).type_ids, IsEmpty());
}

TEST(RaggedBatchTest, CountsPositionsAsTheFamilyDoes) {
  const std::vector<int32_t> plain = {5, 6}, padded = {5, 1, 1, 6, 1, 7}, moved = {4, 9},
                             places = {3, 8};
  EncoderRow rows[3];
  rows[0].ids = plain;
  rows[1].ids = padded;
  rows[2].ids = moved;
  const PositionRule rule = {.first = 2, .padding_id = 1};
  const RaggedBatch batch = MakeRaggedBatch(rows, false, rule, Never);
  EXPECT_THAT(batch.positions, ElementsAre(2, 3, 2, 1, 1, 3, 1, 4, 2, 3));
  EXPECT_THAT(batch.places, IsEmpty());
  rows[2].positions = places;
  const RaggedBatch given = MakeRaggedBatch(rows, false, rule, Never);
  EXPECT_THAT(given.positions, ElementsAre(2, 3, 2, 1, 1, 3, 1, 4, 5, 10));
  EXPECT_THAT(given.places, ElementsAre(0, 1, 0, 1, 2, 3, 4, 5, 3, 8));
}

TEST(RaggedBatchTest, MayBeEmpty) {
  const RaggedBatch batch = MakeRaggedBatch({}, true, {}, Never);
  EXPECT_THAT(batch.rows, IsEmpty());
  EXPECT_THAT(batch.cumulative, ElementsAre(0));
}

}  // namespace
}  // namespace attentiond
