#include "core/models/bucket_bias.h"
#include "core/models/relative_bucket.h"

#include <gtest/gtest.h>

#include "tests/testing/golden_model.h"

namespace attentiond {
namespace {

using ::attentiond::testing::GoldenModel;

// Also where the logarithm is a whole number and rounding decides.
TEST(BucketBiasTest, BucketsAreTransformers) {
  const GoldenModel golden("mpnet-embed");
  const auto& buckets = golden.description().at("buckets");
  int64_t distance = buckets.at("first_distance").get<int64_t>();
  for (const auto& bucket : buckets.at("values")) {
    EXPECT_EQ(RelativeBuckets().Of(distance), bucket.get<int>()) << distance;
    ++distance;
  }
  EXPECT_EQ(distance, 701);
}

// With places or without, the values are the same and only where they are in memory differs.
TEST(BucketBiasTest, PlacesOfAdjacentTokensAreNone) {
  constexpr int64_t kHeads = 3, kTokens = 150;
  Tensor table(DType::kF32, Shape{BucketBias::kBuckets, kHeads});
  for (size_t i = 0; i < table.values<float>().size(); ++i) {
    table.values<float>()[i] = static_cast<float>(i);
  }
  const BucketBias bias(table.view());
  std::vector<int32_t> places;
  for (int32_t place = 0; place < kTokens; ++place) places.push_back(5 + place);
  ThreadPool threads(1);
  ExecutionContext with(&threads), without(&threads);
  AttentionArgs placed, adjacent;
  ASSERT_TRUE(
      bias.AddTo({.longest = kTokens, .queries = kTokens, .places = places}, &placed, with).ok());
  ASSERT_TRUE(bias.AddTo({.longest = kTokens}, &adjacent, without).ok());
  const auto value = [](const AttentionBroadcast<float>& values, int64_t h, int64_t i, int64_t j) {
    return values.data[h * values.head_stride + i * values.query_stride + j * values.key_stride];
  };
  for (int64_t h = 0; h < kHeads; ++h) {
    for (int64_t i = 0; i < kTokens; ++i) {
      for (int64_t j = 0; j < kTokens; ++j) {
        const auto expected = static_cast<float>(RelativeBuckets().Of(j - i) * kHeads + h);
        ASSERT_EQ(value(adjacent.bias, h, i, j), expected) << h << " " << i << " " << j;
        ASSERT_EQ(value(placed.bias, h, i, j), expected) << h << " " << i << " " << j;
      }
    }
  }
}

}  // namespace
}  // namespace attentiond
