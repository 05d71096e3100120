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

  /// What becomes of the scores 0, -1, -2... of a vocabulary of eight.
  std::vector<float> Apply(const std::vector<int32_t>& sequence) {
    std::vector<float> scores;
    for (int i = 0; i < 8; ++i) scores.push_back(static_cast<float>(-i));
    const TokenRules rules(options_, 8);
    for (const TokenRules::Edit& edit : rules.Edits(sequence)) {
      float& score = scores[static_cast<size_t>(edit.token)];
      score = edit.banned ? kOut : rules.Penalize(score);
    }
    return scores;
  }

  GenerationOptions options_;
};

TEST_F(TokenRulesTest, NothingIsChangedByDefault) {
  EXPECT_TRUE(TokenRules(options_, 8).Edits(std::vector<int32_t>{kStart, 1}).empty());
  EXPECT_THAT(Apply({kStart, 1, 1, 1}), ElementsAre(0, -1, -2, -3, -4, -5, -6, -7));
}

TEST_F(TokenRulesTest, RepetitionMakesLessLikely) {
  options_.repetition_penalty = 2;
  EXPECT_THAT(Apply({kStart, 1, 3, 3}), ElementsAre(0, -2, -2, -6, -4, -5, -6, -14));
  options_.bad_words_ids = {{3}};
  EXPECT_THAT(Apply({kStart, 1, 3, 3}), ElementsAre(0, -2, -2, kOut, -4, -5, -6, -14));
}

TEST_F(TokenRulesTest, PositiveScoresAreDividedByThePenalty) {
  options_.repetition_penalty = 2;
  EXPECT_EQ(TokenRules(options_, 8).Penalize(4), 2);
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
