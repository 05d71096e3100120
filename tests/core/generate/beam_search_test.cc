// Beam search against a search of all sequences, and its rules one by one. That it makes the
// choices of transformers is what the golden data of translation models hold it to.
#include "core/generate/beam_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace attentiond {
namespace {

using ::testing::ElementsAre;

constexpr int32_t kEnd = 0;

GenerationOptions Options(int64_t beams, int64_t max_new_tokens) {
  GenerationOptions options;
  options.num_beams = beams;
  options.num_return_sequences = beams;
  options.max_new_tokens = max_new_tokens;
  options.eos_token_id = {kEnd};
  return options;
}

/// Log-probabilities of a vocabulary of five after a sequence, different for each.
std::vector<ScoredToken> ScoresAfter(const std::vector<int32_t>& tokens) {
  unsigned seed = 17;
  for (const int32_t token : tokens) seed = seed * 31 + static_cast<unsigned>(token) + 1;
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> uniform(0.05f, 1);
  std::vector<ScoredToken> scores;
  float sum = 0;
  for (int32_t token = 0; token < 5; ++token) {
    scores.push_back({uniform(engine), token});
    sum += scores.back().score;
  }
  for (ScoredToken& token : scores) token.score = std::log(token.score / sum);
  std::sort(scores.begin(), scores.end(),
            [](const ScoredToken& a, const ScoredToken& b) { return a.score > b.score; });
  return scores;
}

std::vector<Hypothesis> Search(const GenerationOptions& options) {
  BeamSearch search(options);
  while (!search.done()) {
    std::vector<std::vector<ScoredToken>> candidates;
    for (const Hypothesis& beam : search.running()) candidates.push_back(ScoresAfter(beam.tokens));
    search.Advance(candidates, {});
  }
  return search.TakeResults();
}

/// The best score of all sequences that end, or have the greatest length.
float BestOfAll(const GenerationOptions& options, std::vector<int32_t>* tokens, float score) {
  float best = -HUGE_VALF;
  for (const ScoredToken& next : ScoresAfter(*tokens)) {
    tokens->push_back(next.token);
    const float sum = score + next.score;
    const auto length = static_cast<double>(tokens->size());
    if (next.token == kEnd || static_cast<int64_t>(tokens->size()) == options.max_new_tokens) {
      best = std::max(best, sum / static_cast<float>(std::pow(length, options.length_penalty)));
    } else {
      best = std::max(best, BestOfAll(options, tokens, sum));
    }
    tokens->pop_back();
  }
  return best;
}

TEST(BeamSearchTest, WideBeamsFindTheBestOfAllSequences) {
  for (const double penalty : {0.0, 1.0, 2.0, -1.0}) {
    for (const int64_t length : {1, 2, 4}) {
      // As many beams as there are sequences: none is lost.
      GenerationOptions options = Options(700, length);
      options.length_penalty = penalty;
      options.early_stopping = EarlyStopping::kNever;
      std::vector<int32_t> tokens;
      EXPECT_FLOAT_EQ(Search(options).front().score, BestOfAll(options, &tokens, 0))
          << "length " << length << ", penalty " << penalty;
    }
  }
}

TEST(BeamSearchTest, ResultsAreSortedDistinctAndScoredByTheirTokens) {
  const std::vector<Hypothesis> results = Search(Options(4, 6));
  ASSERT_EQ(results.size(), 4u);
  for (size_t i = 0; i < results.size(); ++i) {
    float sum = 0;
    for (size_t t = 0; t < results[i].tokens.size(); ++t) {
      const std::vector<int32_t> before(results[i].tokens.begin(),
                                        results[i].tokens.begin() + static_cast<int64_t>(t));
      for (const ScoredToken& next : ScoresAfter(before)) {
        if (next.token == results[i].tokens[t]) sum += next.score;
      }
    }
    EXPECT_NEAR(results[i].score, sum / static_cast<float>(results[i].tokens.size()), 1e-5);
    if (i > 0) {
      EXPECT_GE(results[i - 1].score, results[i].score);
      EXPECT_NE(results[i - 1].tokens, results[i].tokens);
    }
  }
}

TEST(BeamSearchTest, AtOnceStopsWhenThereAreAsManyAsBeams) {
  GenerationOptions options = Options(2, 50);
  BeamSearch search(options);
  search.Advance({{{-0.1f, 1}, {-0.2f, 2}, {-5.0f, kEnd}, {-6.0f, 3}}}, {});
  const std::vector<std::vector<ScoredToken>> both_end = {
      {{-0.1f, kEnd}, {-3.0f, 1}, {-3.1f, 2}, {-3.2f, 3}},
      {{-0.1f, kEnd}, {-3.0f, 1}, {-3.1f, 2}, {-3.2f, 3}}};
  BeamSearch at_once = [&] {
    options.early_stopping = EarlyStopping::kAtOnce;
    BeamSearch other(options);
    other.Advance({{{-0.1f, 1}, {-0.2f, 2}, {-5.0f, kEnd}, {-6.0f, 3}}}, {});
    return other;
  }();
  at_once.Advance(both_end, {});
  EXPECT_TRUE(at_once.done());
  search.Advance(both_end, {});
  // What runs is at -3.1 / 2 at best, worse than both.
  EXPECT_TRUE(search.done());
  const std::vector<Hypothesis> results = search.TakeResults();
  EXPECT_THAT(results[0].tokens, ElementsAre(1, kEnd));
  EXPECT_THAT(results[1].tokens, ElementsAre(2, kEnd));
}

TEST(BeamSearchTest, ParentsSayWhereBeamsComeFrom) {
  BeamSearch search(Options(2, 50));
  EXPECT_THAT(search.Advance({{{-0.1f, 1}, {-0.2f, 2}, {-5.0f, 3}, {-6.0f, 4}}}, {}),
              ElementsAre(0u, 0u));
  EXPECT_THAT(search.Advance({{{-4.0f, 1}, {-4.1f, 2}, {-4.2f, 3}, {-4.3f, 4}},
                              {{-0.1f, 3}, {-0.2f, 4}, {-5.0f, 1}, {-6.0f, 2}}},
                             {}),
              ElementsAre(1u, 1u));
  EXPECT_THAT(search.running()[0].tokens, ElementsAre(2, 3));
  EXPECT_THAT(search.running()[1].tokens, ElementsAre(2, 4));
}

// As when the language is forced: one token has all of the probability.
TEST(BeamSearchTest, AForcedFirstTokenKeepsOneBeamInTheRace) {
  BeamSearch search(Options(3, 50));
  search.Advance({{{0.0f, 4}}}, {});
  EXPECT_THAT(search.running()[0].tokens, ElementsAre(4));
  EXPECT_EQ(search.running()[0].score, 0);
  const std::vector<ScoredToken> next = {
      {-0.5f, 1}, {-1.0f, 2}, {-2.0f, 3}, {-3.0f, 4}, {-4, kEnd}};
  search.Advance(std::vector<std::vector<ScoredToken>>(search.running().size(), next), {});
  EXPECT_THAT(search.running()[0].tokens, ElementsAre(4, 1));
  EXPECT_THAT(search.running()[1].tokens, ElementsAre(4, 2));
  EXPECT_THAT(search.running()[2].tokens, ElementsAre(4, 3));
}

}  // namespace
}  // namespace attentiond
