#include "core/text/regex.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text/graphemes.h"
#include "core/text/oniguruma.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Matches(absl::string_view pattern, absl::string_view text) {
  const auto regex = Regex::Compile(pattern);
  EXPECT_TRUE(regex.ok()) << regex.status();
  std::vector<Piece> pieces;
  if (regex.ok()) {
    EXPECT_TRUE(regex->Find(text, &pieces).ok());
  }
  std::vector<std::string> matches;
  for (const Piece& piece : pieces) {
    if (piece.is_match) matches.emplace_back(text.substr(piece.begin, piece.end - piece.begin));
  }
  return matches;
}

TEST(RegexTest, CoversTheText) {
  const auto regex = Regex::Compile("b+");
  ASSERT_TRUE(regex.ok()) << regex.status();
  std::vector<Piece> pieces;
  ASSERT_TRUE(regex->Find("abbac", &pieces).ok());
  EXPECT_THAT(pieces, ElementsAre(Piece{0, 1, false}, Piece{1, 3, true}, Piece{3, 5, false}));
}

TEST(RegexTest, FindsEmptyMatchesBetweenCharacters) {
  EXPECT_THAT(Matches("", "éa"), ElementsAre("", "", ""));
  EXPECT_THAT(Matches("b*", "abc"), ElementsAre("", "b", ""));
}

// What Oniguruma takes these for; PCRE2 by itself would not.
TEST(RegexTest, SpeaksOniguruma) {
  EXPECT_THAT(Matches("\\s+", "a\u180e\u00a0\u0085b"), ElementsAre("\u00a0\u0085"));
  EXPECT_THAT(Matches("\\w+", "n\u0303a½ b"), ElementsAre("n\u0303a½", "b"));
  EXPECT_THAT(Matches("[^\\w]+", "a-\u0303½"), ElementsAre("-", "½"));
  EXPECT_THAT(Matches("\\bx", "x \u0303x"), ElementsAre("x"));
  EXPECT_THAT(Matches("\\h+", "x0aFg"), ElementsAre("0aF"));
  EXPECT_THAT(Matches("(?m:.+)", "a\nb"), ElementsAre("a\nb"));
  EXPECT_THAT(Matches("^b", "a\nb"), ElementsAre("b"));
  EXPECT_THAT(Matches("a{,2}b", "aaab"), ElementsAre("aab"));
  EXPECT_THAT(Matches("a{2}+a", "aaaaa"), ElementsAre("aaaaa"));
  EXPECT_THAT(Matches("[a[bc]]+", "abcd"), ElementsAre("abc"));
  EXPECT_THAT(Matches("\\p{Han}+", "a漢。"), ElementsAre("漢"));
  EXPECT_THAT(Matches("\\p{^L}+", "ab12"), ElementsAre("12"));
  EXPECT_THAT(Matches("[[:punct:]]+", "a+b"), ElementsAre("+"));
  EXPECT_THAT(Matches("\\u00e9\\x41\\x{1F600}", "éA😀"), ElementsAre("éA😀"));
  EXPECT_THAT(Matches("(?i:'S)", "'\u017f"), ElementsAre("'\u017f"));
}

TEST(RegexTest, SaysWhatIsWrong) {
  for (const auto& [pattern, message] : std::vector<std::pair<const char*, const char*>>{
           {"a)", "regular expression \"a)\": unmatched closing parenthesis"},
           {"[a", "regular expression \"[a\": has a class without its ]"},
           {"a\\", "regular expression \"a\\\\\": ends in the middle of an escape"},
           {"a\\X", "regular expression \"a\\\\X\": \"\\\\X\" is not supported"},
           {"(?~a)", "regular expression \"(?~a)\": \"(?~\" is not supported"},
           {"[\\W]", "regular expression \"[\\\\W]\": \"\\\\W\" is not supported"},
       }) {
    EXPECT_EQ(Regex::Compile(pattern).status().message(), message) << pattern;
  }
}

// Exponential, this would outlast us all.
TEST(RegexTest, GivesUpOnTooManySteps) {
  const auto regex = Regex::Compile("(a|aa)+$");
  ASSERT_TRUE(regex.ok()) << regex.status();
  std::vector<Piece> pieces;
  const absl::Status status = regex->Find(std::string(100, 'a') + "b", &pieces);
  EXPECT_EQ(status, absl::InvalidArgumentError(
                        "regular expression \"(a|aa)+$\" on this text: match limit exceeded"));
}

TEST(RegexTest, TakesLongRuns) {
  EXPECT_THAT(Matches("\\s+(?!\\S)|\\s+", std::string(1 << 20, ' ') + "a").size(), 2u);
}

TEST(GraphemesTest, AreWhatAReaderTakesForCharacters) {
  std::vector<std::string> graphemes;
  ForEachGrapheme("ae\u0301\r\n 👨‍👩‍👧🇫🇷🇩🇪각é",
                  [&graphemes](absl::string_view grapheme) { graphemes.emplace_back(grapheme); });
  EXPECT_THAT(graphemes, ElementsAre("a", "e\u0301", "\r\n", " ", "👨‍👩‍👧", "🇫🇷", "🇩🇪",
                                     "각", "é"));
}

}  // namespace
}  // namespace attentiond
