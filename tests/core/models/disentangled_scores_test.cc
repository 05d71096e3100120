#include "core/models/disentangled_scores.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/testing/golden_model.h"

namespace attentiond {
namespace {

using ::attentiond::testing::GoldenModel;
using nlohmann::json;

// Also where the logarithm is a whole number and rounding decides; the first are DeBERTa-v3's.
TEST(DisentangledScoresTest, BucketsAreTransformers) {
  const GoldenModel golden("deberta-v2-plain");
  for (const json& table : golden.description().at("buckets")) {
    DisentangledConfig config;
    config.buckets = table.at("buckets").get<int64_t>();
    config.max_distance = table.at("max_distance").get<int64_t>();
    int64_t distance = table.at("first_distance").get<int64_t>();
    for (const json& bucket : table.at("values")) {
      EXPECT_EQ(
          DisentangledScores::TableRow(config, distance),
          std::clamp<int64_t>(bucket.get<int64_t>() + config.span(), 0, 2 * config.span() - 1))
          << distance << " of " << config.buckets;
      ++distance;
    }
  }
}

TEST(DisentangledScoresTest, WithoutBucketsDistancesEndAtTheTable) {
  DisentangledConfig config;
  config.max_distance = 10;
  EXPECT_EQ(DisentangledScores::TableRow(config, 0), 10);
  EXPECT_EQ(DisentangledScores::TableRow(config, 9), 19);
  EXPECT_EQ(DisentangledScores::TableRow(config, 10), 19);
  EXPECT_EQ(DisentangledScores::TableRow(config, -10), 0);
  EXPECT_EQ(DisentangledScores::TableRow(config, -50), 0);
}

}  // namespace
}  // namespace attentiond
