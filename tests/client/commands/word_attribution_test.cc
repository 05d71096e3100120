// tests/client/commands/word_attribution_test.cc -- byte ranges to words and what is between them.
#include "client/commands/word_attribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace attentiond::client {
namespace {

using ::testing::ElementsAre;

void AddWord(const std::string& text, int sequence, int64_t begin, v1::Attribution* attribution) {
  v1::WordAttribution* const word = attribution->add_words();
  word->set_text(text);
  word->set_sequence(sequence);
  word->set_byte_begin(begin);
  word->set_byte_end(begin + static_cast<int64_t>(text.size()));
  word->set_score_effect(0.5f);
  word->set_logit_effect(-1);
}

v1::Attribution Classified() {
  v1::Attribution attribution;
  attribution.set_label("GOOD");
  attribution.set_score(0.9f);
  return attribution;
}

/// The whole text again, words in brackets.
std::string Text(const Attribution& attribution) {
  std::string text;
  for (const AttributedWord& word : attribution.words) text += word.gap + "[" + word.text + "]";
  return text + attribution.tail;
}

TEST(WordAttributionTest, KeepsWhatStandsBetweenTheWords) {
  v1::Attribution proto = Classified();
  AddWord("my", 0, 1, &proto);
  AddWord("cat", 0, 5, &proto);
  AddWord("!", 0, 8, &proto);
  const auto attribution = ToAttribution(proto, {" my  cat! ..", {}}, EffectMeasure::kLogit);
  ASSERT_TRUE(attribution.ok()) << attribution.status();
  EXPECT_EQ(Text(*attribution), " [my]  [cat][!] ..");
  EXPECT_EQ(attribution->result, "GOOD 0.900");
  EXPECT_THAT(attribution->measures, ElementsAre("score", "logit"));
  EXPECT_EQ(attribution->shown, 1u);
  EXPECT_THAT(attribution->words[0].effects, ElementsAre(0.5, -1));
}

TEST(WordAttributionTest, GoesOnInThePair) {
  v1::Attribution proto = Classified();
  AddWord("a", 0, 0, &proto);
  AddWord("b", 1, 1, &proto);
  EXPECT_EQ(Text(*ToAttribution(proto, {"a.", "<b>"}, EffectMeasure::kScore)), "[a]. | <[b]>");
  proto.mutable_words()->RemoveLast();
  EXPECT_EQ(Text(*ToAttribution(proto, {"a.", "<b>"}, EffectMeasure::kScore)), "[a]. | <b>");
  proto.clear_words();
  EXPECT_EQ(Text(*ToAttribution(proto, {"a.", {}}, EffectMeasure::kScore)), "a.");
}

TEST(WordAttributionTest, SaysWhenNoWordMovesTheScore) {
  v1::Attribution proto = Classified();
  AddWord("a", 0, 0, &proto);
  const auto explains = [&](EffectMeasure measure) {
    return absl::StrContains(ToAttribution(proto, {"a", {}}, measure)->explanation, "No word");
  };
  EXPECT_FALSE(explains(EffectMeasure::kScore));
  proto.mutable_words(0)->set_score_effect(-0.0001f);
  EXPECT_TRUE(explains(EffectMeasure::kScore));
  EXPECT_FALSE(explains(EffectMeasure::kLogit));
}

TEST(WordAttributionTest, AnEmbeddingHasOneMeasureWithoutSigns) {
  v1::Attribution proto;
  proto.add_words()->set_cosine_effect(0.25f);
  const auto attribution = ToAttribution(proto, {"", {}}, EffectMeasure::kLogit);
  ASSERT_TRUE(attribution.ok()) << attribution.status();
  EXPECT_FALSE(attribution->has_signs);
  EXPECT_EQ(attribution->shown, 0u);
  EXPECT_THAT(attribution->words[0].effects, ElementsAre(0.25));
}

TEST(WordAttributionTest, RefusesWordsThatAreNotInTheText) {
  struct Case {
    int sequence;
    int64_t begin;
  };
  for (const Case& c : {Case{0, 1}, Case{0, -1}, Case{1, 0}, Case{2, 0}, Case{-1, 0}}) {
    v1::Attribution proto = Classified();
    AddWord("ab", c.sequence, c.begin, &proto);
    EXPECT_EQ(ToAttribution(proto, {"ab", {}}, EffectMeasure::kScore).status().code(),
              absl::StatusCode::kInternal)
        << c.sequence << " " << c.begin;
  }
  v1::Attribution overlapping = Classified();
  AddWord("ab", 0, 0, &overlapping);
  AddWord("b", 0, 1, &overlapping);
  EXPECT_FALSE(ToAttribution(overlapping, {"ab", {}}, EffectMeasure::kScore).ok());
  v1::Attribution other_kind = Classified();
  other_kind.add_words()->set_cosine_effect(1);
  EXPECT_FALSE(ToAttribution(other_kind, {"", {}}, EffectMeasure::kScore).ok());
}

}  // namespace
}  // namespace attentiond::client
