#include "core/generate/sampling.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

namespace attentiond {
namespace {

int32_t Sample(const std::vector<float>& logits, const GenerationOptions& options, int64_t sample,
               int64_t step) {
  const auto size = static_cast<int64_t>(logits.size());
  TopScores top(SampleCandidates(options, size));
  top.Add(logits.data(), size, 0);
  return top.held()[SampleToken(top.held(), options, sample, step)].token;
}

/// How often each token is drawn.
std::map<int32_t, int> Draw(const std::vector<float>& logits, const GenerationOptions& options,
                            int count) {
  std::map<int32_t, int> drawn;
  for (int step = 0; step < count; ++step) ++drawn[Sample(logits, options, 0, step)];
  return drawn;
}

constexpr int kDraws = 20'000;

/// Four standard deviations of a count with this probability.
double Spread(double p) { return 4 * std::sqrt(kDraws * p * (1 - p)); }

TEST(SamplingTest, DrawsAreDistributedAsTheModelSays) {
  const std::vector<float> logits = {std::log(0.1f), std::log(0.2f), std::log(0.3f),
                                     std::log(0.4f)};
  GenerationOptions options;
  options.top_k = 0;
  auto drawn = Draw(logits, options, kDraws);
  for (int32_t token = 0; token < 4; ++token) {
    const double p = 0.1 * (token + 1);
    EXPECT_NEAR(drawn[token], kDraws * p, Spread(p)) << token;
  }
  // p^2 / sum of p^2.
  options.temperature = 0.5;
  drawn = Draw(logits, options, kDraws);
  EXPECT_NEAR(drawn[3], kDraws * 0.16 / 0.30, Spread(0.16 / 0.30));
}

TEST(SamplingTest, TopKAndTopPLeaveOutTheUnlikely) {
  const std::vector<float> logits = {std::log(0.1f), std::log(0.2f), std::log(0.3f),
                                     std::log(0.4f)};
  GenerationOptions options;
  options.top_k = 2;
  auto drawn = Draw(logits, options, kDraws);
  EXPECT_EQ(drawn[0] + drawn[1], 0);
  EXPECT_NEAR(drawn[3], kDraws * 4.0 / 7, Spread(4.0 / 7));
  options.top_k = 0;
  options.top_p = 0.6;  // 0.4 does not reach it, with 0.3 it does
  drawn = Draw(logits, options, kDraws);
  EXPECT_EQ(drawn[0] + drawn[1], 0);
  EXPECT_GT(drawn[2], 0);
  options.top_p = 0.0001;
  drawn = Draw(logits, options, 100);
  EXPECT_EQ(drawn[3], 100);
}

TEST(SamplingTest, ForbiddenTokensAreNeverDrawn) {
  const std::vector<float> logits = {-HUGE_VALF, 0, -HUGE_VALF, -1};
  for (const int64_t top_k : {0, 50}) {
    GenerationOptions options;
    options.top_k = top_k;
    auto drawn = Draw(logits, options, 1000);
    EXPECT_EQ(drawn[0] + drawn[2], 0);
  }
}

TEST(SamplingTest, TheSameSeedDrawsTheSameAndOthersDoNot) {
  const std::vector<float> logits(1000, 0.0f);
  GenerationOptions options, other;
  options.top_k = other.top_k = 0;
  other.seed = 1;
  int same_seed = 0, other_seed = 0, other_sample = 0;
  for (int step = 0; step < 200; ++step) {
    const int32_t token = Sample(logits, options, 0, step);
    same_seed += token == Sample(logits, options, 0, step);
    other_seed += token == Sample(logits, other, 0, step);
    other_sample += token == Sample(logits, options, 1, step);
  }
  EXPECT_EQ(same_seed, 200);
  EXPECT_LT(other_seed, 10);
  EXPECT_LT(other_sample, 10);
}

}  // namespace
}  // namespace attentiond
