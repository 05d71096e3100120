#include "client/bench/workload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "absl/strings/str_split.h"

namespace attentiond::client {
namespace {

int64_t Words(const std::string& text) {
  return static_cast<int64_t>(std::vector<std::string>(absl::StrSplit(text, ' ')).size());
}

TEST(MixedTextsTest, LengthsAreInRangeAndMixed) {
  std::set<int64_t> lengths;
  const std::vector<std::string> texts = MixedTexts(1, 500, {3, 40});
  ASSERT_EQ(texts.size(), 500u);
  int64_t short_ones = 0;
  for (const std::string& text : texts) {
    EXPECT_EQ(text.back(), '.');
    EXPECT_TRUE(text[0] >= 'A' && text[0] <= 'Z') << text;
    const int64_t words = Words(text);
    EXPECT_GE(words, 3);
    EXPECT_LE(words, 40);
    lengths.insert(words);
    short_ones += words <= 10;
  }
  EXPECT_GT(lengths.size(), 20u);
  // Log-uniform: ln(11/3) / ln(41/3) = 0.497 of them have at most 10 words; five deviations.
  EXPECT_NEAR(static_cast<double>(short_ones) / 500, 0.497, 5 * 0.5 / std::sqrt(500));
}

TEST(MixedTextsTest, TheSeedDecides) {
  EXPECT_EQ(MixedTexts(5, 20, {1, 9}), MixedTexts(5, 20, {1, 9}));
  EXPECT_NE(MixedTexts(5, 20, {1, 9}), MixedTexts(6, 20, {1, 9}));
  for (const std::string& text : MixedTexts(5, 20, {1, 1})) EXPECT_EQ(Words(text), 1);
}

TEST(MixedAttentionTest, ShapesFollowTheRequest) {
  const auto requests = MixedAttention(1, 20, {2, 9}, {.heads = 3, .head_dim = 5});
  ASSERT_EQ(requests.size(), 20u);
  for (const v1::AttendRequest& request : requests) {
    for (const v1::Tensor* tensor : {&request.query(), &request.key(), &request.value()}) {
      ASSERT_EQ(tensor->shape_size(), 4);
      EXPECT_EQ(tensor->shape(0), 1);
      EXPECT_EQ(tensor->shape(1), 3);
      EXPECT_GE(tensor->shape(2), 2);
      EXPECT_LE(tensor->shape(2), 9);
      EXPECT_EQ(tensor->shape(2), request.query().shape(2));
      EXPECT_EQ(tensor->shape(3), 5);
      EXPECT_EQ(tensor->data().size(), static_cast<size_t>(3 * tensor->shape(2) * 5 * 4));
      for (size_t at = 0; at < tensor->data().size(); at += sizeof(float)) {
        float value = 0;
        std::memcpy(&value, tensor->data().data() + at, sizeof(value));
        EXPECT_GE(value, -1);
        EXPECT_LE(value, 1);
      }
    }
  }
}

}  // namespace
}  // namespace attentiond::client
