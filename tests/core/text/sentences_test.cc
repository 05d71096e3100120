#include "core/text/sentences.h"

#include <gtest/gtest.h>

namespace attentiond {
namespace {

std::vector<std::string> Sentences(const std::string& text, const std::string& language = "") {
  const auto spans = FindSentences(text, language);
  EXPECT_TRUE(spans.ok()) << spans.status();
  std::vector<std::string> sentences;
  for (const SentenceSpan& span : *spans) {
    sentences.push_back(text.substr(span.begin, span.end - span.begin));
  }
  return sentences;
}

using List = std::vector<std::string>;

TEST(SentencesTest, AreWithoutTheWhiteSpaceAround) {
  EXPECT_EQ(Sentences("  One.  Two? \n\nThree"), (List{"One.", "Two?", "Three"}));
  EXPECT_EQ(Sentences("3.14 is pi. It is."), (List{"3.14 is pi.", "It is."}));
  EXPECT_EQ(Sentences("今天天气很好。我爱我的猫。"), (List{"今天天气很好。", "我爱我的猫。"}));
  EXPECT_EQ(Sentences("Où est-elle ? Ici\u2029Là"), (List{"Où est-elle ?", "Ici", "Là"}));
}

TEST(SentencesTest, AreNoneInNothing) {
  EXPECT_EQ(Sentences(""), List());
  EXPECT_EQ(Sentences(" \n\u00a0"), List());
}

TEST(SentencesTest, DoNotEndAtAbbreviationsOfTheLanguage) {
  const std::string text = "Mr. Smith came. He left.";
  for (const char* const language : {"en", "eng_Latn", "en_XX"}) {
    EXPECT_EQ(Sentences(text, language), (List{"Mr. Smith came.", "He left."})) << language;
  }
  EXPECT_EQ(Sentences(text, "no such language").size(), 3u);
}

TEST(SentencesTest, RefusesWhatIsNotText) {
  EXPECT_EQ(FindSentences("a\xff", "").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(SentencesTest, ReplacingKeepsWhatIsBetween) {
  const std::string text = "  One.  Two? \n\nThree\n";
  const auto spans = FindSentences(text, "");
  ASSERT_TRUE(spans.ok());
  EXPECT_EQ(ReplaceSentences(text, *spans, {"Un.", "", "Trois"}), "  Un.   \n\nTrois\n");
  EXPECT_EQ(ReplaceSentences(" ", {}, {}), " ");
}

}  // namespace
}  // namespace attentiond
