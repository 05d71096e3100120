#include "core/generate/next_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace attentiond {
namespace {

constexpr int32_t kStart = 7;

/// What follows, from logits in slices of so many blocks.
std::vector<ScoredToken> Best(const GenerationOptions& options, std::vector<float> logits,
                              int64_t wanted, int64_t blocks) {
  const std::vector<int32_t> sequence = {kStart, 1};
  const auto size = static_cast<int64_t>(logits.size());
  NextToken next(options, sequence, wanted, 0, size);
  for (int64_t at = 0; at < size; at += blocks * kLogitsBlock) {
    const int64_t count = std::min(blocks * kLogitsBlock, size - at);
    next.Add(at,
             absl::MakeSpan(logits).subspan(static_cast<size_t>(at), static_cast<size_t>(count)));
  }
  return next.Best();
}

std::vector<float> RandomLogits(size_t size) {
  std::mt19937 engine(5);
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> logits(size);
  for (float& logit : logits) logit = normal(engine);
  return logits;
}

TEST(NextTokenTest, AreTheBestWithTheirLogProbabilities) {
  for (const size_t size : {5u, 100u, 1536u, 5000u}) {
    const std::vector<float> logits = RandomLogits(size);
    double total = 0;
    for (const float logit : logits) total += std::exp(double{logit});
    std::vector<float> sorted = logits;
    std::sort(sorted.rbegin(), sorted.rend());
    const std::vector<ScoredToken> best = Best({}, logits, 8, 1);
    ASSERT_EQ(best.size(), std::min<size_t>(8, size));
    for (size_t i = 0; i < best.size(); ++i) {
      EXPECT_EQ(logits[static_cast<size_t>(best[i].token)], sorted[i]);
      EXPECT_NEAR(best[i].score, double{sorted[i]} - std::log(total), 1e-5);
    }
  }
}

TEST(NextTokenTest, DoesNotDependOnTheSizeOfSlicesBitForBit) {
  const std::vector<float> logits = RandomLogits(9000);
  const std::vector<ScoredToken> one = Best({}, logits, 4, 1), all = Best({}, logits, 4, 100);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(one[i].token, all[i].token);
    EXPECT_EQ(one[i].score, all[i].score);
  }
}

TEST(NextTokenTest, OfEqualScoresTheFirstTokensCome) {
  const std::vector<ScoredToken> best = Best({}, std::vector<float>(3000, 1.0f), 3, 1);
  EXPECT_EQ(best[0].token, 0);
  EXPECT_EQ(best[1].token, 1);
  EXPECT_EQ(best[2].token, 2);
}

TEST(NextTokenTest, RulesChangeTheOrderButNotTheSum) {
  std::vector<float> logits(2000, -20.0f);
  logits[1] = 3;
  logits[1700] = 2.5f;
  logits[5] = 2;
  const double total = std::log(std::exp(3.0) + std::exp(2.5) + std::exp(2.0));
  GenerationOptions options;
  options.bad_words_ids = {{1700}};
  options.repetition_penalty = 2;  // of token 1
  for (const int64_t beams : {1, 4}) {
    options.num_beams = beams;
    const std::vector<ScoredToken> best = Best(options, logits, 2, 1);
    // A log-probability is doubled, a logit halved.
    const double penalized = beams > 1 ? 2 * (3 - total) : 1.5 - total;
    EXPECT_EQ(best[0].token, beams > 1 ? 1 : 5);
    EXPECT_EQ(best[1].token, beams > 1 ? 5 : 1);
    EXPECT_NEAR(best[beams > 1 ? 0 : 1].score, penalized, 1e-5);
    EXPECT_NEAR(best[beams > 1 ? 1 : 0].score, 2 - total, 1e-5);
  }
}

TEST(NextTokenTest, AForcedTokenIsCertain) {
  GenerationOptions options;
  options.max_new_tokens = 2;
  options.forced_eos_token_id = {9};
  const std::vector<ScoredToken> best = Best(options, RandomLogits(100), 5, 1);
  ASSERT_EQ(best.size(), 1u);
  EXPECT_EQ(best[0].token, 9);
  EXPECT_EQ(best[0].score, 0);
}

TEST(NextTokenTest, NothingMayFollow) {
  GenerationOptions options;
  options.suppress_tokens = {0, 1};
  EXPECT_TRUE(Best(options, {1, 2}, 2, 1).empty());
}

}  // namespace
}  // namespace attentiond
