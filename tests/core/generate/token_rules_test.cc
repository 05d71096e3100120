#include "core/generate/token_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace attentiond {
namespace {

using ::testing::ElementsAre;

constexpr float kOut = -std::numeric_limits<float>::infinity();
constexpr int32_t kStart = 7, kEnd = 0;

class TokenRulesTest : public ::testing::Test {
 protected:
  TokenRulesTest() { options_.eos_token_id = {kEnd}; }

  /// Scores 0, -1, -2... of a vocabulary of eight.
  std::vector<float> Apply(const std::vector<int32_t>& sequence, float shift = 0) {
    std::vector<float> scores;
    for (int i = 0; i < 8; ++i) scores.push_back(static_cast<float>(-i) + shift);
    TokenRules(options_, 8).Apply(sequence, shift, scores.data());
    return scores;
  }

  GenerationOptions options_;
};

TEST_F(TokenRulesTest, NothingIsChangedByDefault) {
  EXPECT_TRUE(TokenRules(options_, 8).empty());
  EXPECT_THAT(Apply({kStart, 1, 1, 1}), ElementsAre(0, -1, -2, -3, -4, -5, -6, -7));
}

TEST_F(TokenRulesTest, RepetitionMakesLessLikely) {
  options_.repetition_penalty = 2;
  EXPECT_THAT(Apply({kStart, 1, 3, 3}), ElementsAre(0, -2, -2, -6, -4, -5, -6, -14));
  // What is shifted is penalised as if it were not.
  EXPECT_THAT(Apply({kStart, 1}, 10), ElementsAre(10, 8, 8, 7, 6, 5, 4, -4));
}

TEST_F(TokenRulesTest, PositiveScoresAreDividedByThePenalty) {
  options_.repetition_penalty = 2;
  std::vector<float> scores = {4, 4};
  TokenRules(options_, 2).Apply(std::vector<int32_t>{1}, 0, scores.data());
  EXPECT_THAT(scores, ElementsAre(4, 2));
}

TEST_F(TokenRulesTest, NoNgramComesTwice) {
  options_.no_repeat_ngram_size = 2;
  EXPECT_THAT(Apply({kStart, 1, 2, 1}), ElementsAre(0, -1, kOut, -3, -4, -5, -6, -7));
  EXPECT_THAT(Apply({kStart, 1, 2, 3}), ElementsAre(0, -1, -2, -3, -4, -5, -6, -7));
  options_.no_repeat_ngram_size = 1;
  EXPECT_THAT(Apply({kStart, 1}), ElementsAre(0, kOut, -2, -3, -4, -5, -6, kOut));
  options_.no_repeat_ngram_size = 5;
  EXPECT_THAT(Apply({kStart, 1}), ElementsAre(0, -1, -2, -3, -4, -5, -6, -7));
}

TEST_F(TokenRulesTest, BadWordsEndNowhere) {
  options_.bad_words_ids = {{5}, {1, 2}, {3, 4, 6}, {kEnd}};
  EXPECT_THAT(Apply({kStart, 3, 4}), ElementsAre(0, -1, -2, -3, -4, kOut, kOut, -7));
  EXPECT_THAT(Apply({kStart, 1}), ElementsAre(0, -1, kOut, -3, -4, kOut, -6, -7));
}

TEST_F(TokenRulesTest, NothingEndsTooEarly) {
  options_.min_new_tokens = 2;
  EXPECT_THAT(Apply({kStart, 1}), ElementsAre(kOut, -1, -2, -3, -4, -5, -6, -7));
  EXPECT_THAT(Apply({kStart, 1, 1}), ElementsAre(0, -1, -2, -3, -4, -5, -6, -7));
}

TEST_F(TokenRulesTest, SomeTokensNeverComeOrNotFirst) {
  options_.suppress_tokens = {6, 100, -1};
  options_.begin_suppress_tokens = {2};
  EXPECT_THAT(Apply({kStart}), ElementsAre(0, -1, kOut, -3, -4, -5, kOut, -7));
  EXPECT_THAT(Apply({kStart, 1}), ElementsAre(0, -1, -2, -3, -4, -5, kOut, -7));
  options_.forced_bos_token_id = 3;
  EXPECT_THAT(Apply({kStart, 3}), ElementsAre(0, -1, kOut, -3, -4, -5, kOut, -7));
}

TEST_F(TokenRulesTest, FirstAndLastTokensAreForced) {
  options_.max_new_tokens = 3;
  options_.forced_bos_token_id = 4;
  options_.forced_eos_token_id = {kEnd};
  const TokenRules rules(options_, 8);
  EXPECT_EQ(rules.Forced(std::vector<int32_t>{kStart}), 4);
  EXPECT_EQ(rules.Forced(std::vector<int32_t>{kStart, 4}), std::nullopt);
  EXPECT_EQ(rules.Forced(std::vector<int32_t>{kStart, 4, 1}), kEnd);
  options_.max_new_tokens = 1;
  EXPECT_EQ(rules.Forced(std::vector<int32_t>{kStart}), kEnd);
}

}  // namespace
}  // namespace attentiond
