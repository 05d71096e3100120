// tests/server/inference/leave_out_test.cc -- tokens to words, and inputs without one.
#include "server/inference/leave_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Piece {
  int64_t begin = 0, end = 0;
  int8_t sequence = 0;  ///< -1: special
};

/// An encoding whose ids are 100, 101...
Encoding EncodingOf(const std::vector<Piece>& pieces) {
  Encoding encoding;
  for (const Piece& piece : pieces) {
    encoding.ids.push_back(static_cast<int32_t>(100 + encoding.ids.size()));
    encoding.type_ids.push_back(piece.sequence == 1);
    encoding.offsets.push_back({piece.begin, piece.end});
    encoding.sequence.push_back(piece.sequence);
  }
  return encoding;
}

/// "0:love[1,3)": sequence, the text at the word's bytes, its tokens.
std::vector<std::string> Describe(const std::vector<InputWord>& words, absl::string_view text,
                                  absl::string_view pair = "") {
  std::vector<std::string> described;
  for (const InputWord& word : words) {
    const absl::string_view source = word.sequence == 0 ? text : pair;
    described.push_back(
        absl::StrCat(word.sequence, ":",
                     source.substr(static_cast<size_t>(word.bytes.begin),
                                   static_cast<size_t>(word.bytes.end - word.bytes.begin)),
                     "[", word.token_begin, ",", word.token_end, ")"));
  }
  return described;
}

constexpr int8_t kSpecial = -1;

TEST(WordsOfTest, JoinsThePiecesOfAWordAndLeavesSpecialTokensOut) {
  const std::string text = "a starfish, b";
  const Encoding encoding =
      EncodingOf({{0, 0, kSpecial}, {0, 1}, {2, 6}, {6, 10}, {10, 11}, {12, 13}, {0, 0, kSpecial}});
  const auto words = WordsOf(encoding, text, std::nullopt);
  EXPECT_THAT(Describe(words, text),
              ElementsAre("0:a[1,2)", "0:starfish[2,4)", "0:,[4,5)", "0:b[5,6)"));
  EXPECT_EQ(words[1].index, 1);
  EXPECT_EQ(words[1].char_begin, 2);
  EXPECT_EQ(words[1].char_end, 10);
}

TEST(WordsOfTest, TellsTheTextsOfAPairApart) {
  const Encoding encoding =
      EncodingOf({{0, 0, kSpecial}, {0, 1}, {0, 0, kSpecial}, {0, 1, 1}, {0, 0, kSpecial}});
  const auto words = WordsOf(encoding, "a", "b");
  EXPECT_THAT(Describe(words, "a", "b"), ElementsAre("0:a[1,2)", "1:b[3,4)"));
  EXPECT_EQ(words[1].index, 0);
}

TEST(WordsOfTest, TextsWithoutATokenBetweenThemStayApart) {
  EXPECT_THAT(Describe(WordsOf(EncodingOf({{0, 1}, {0, 1, 1}}), "a", "b"), "a", "b"),
              ElementsAre("0:a[0,1)", "1:b[1,2)"));
}

TEST(WordsOfTest, TakesWhiteSpaceOffTheWord) {
  // A vocabulary whose tokens begin with the space before them; U+2003 has three bytes.
  const std::string text = "I love\u2003my cat ";
  const auto words =
      WordsOf(EncodingOf({{0, 1}, {1, 6}, {6, 11}, {11, 13}, {13, 16}}), text, std::nullopt);
  EXPECT_THAT(Describe(words, text),
              ElementsAre("0:I[0,1)", "0:love[1,2)", "0:my[2,3)", "0:cat[3,5)"));
  EXPECT_EQ(words[2].char_begin, 7);
  EXPECT_EQ(words[2].char_end, 9);
  EXPECT_EQ(words[3].bytes.end, 15);
  EXPECT_EQ(words[3].char_end, 13);
}

TEST(WordsOfTest, WhiteSpaceAloneGoesWithTheNextWord) {
  // An ideograph is a word of its own, and so the space before it would be one too.
  const std::string text = "a \u732b\u72ac ";
  const auto words =
      WordsOf(EncodingOf({{0, 1}, {1, 2}, {2, 5}, {5, 8}, {8, 9}}), text, std::nullopt);
  EXPECT_THAT(Describe(words, text), ElementsAre("0:a[0,1)", "0:\u732b[1,3)", "0:\u72ac[3,4)"));
}

TEST(WordsOfTest, AnEmptyTextHasNone) {
  EXPECT_THAT(WordsOf(EncodingOf({{0, 0, kSpecial}, {0, 0, kSpecial}}), "", std::nullopt),
              IsEmpty());
  EXPECT_THAT(WordsOf(Encoding(), "", std::nullopt), IsEmpty());
}

TEST(WithoutTest, KeepsTheOtherTokens) {
  const std::vector<int32_t> ids = {5, 6, 7, 8};
  EXPECT_THAT(Without({.token_begin = 1, .token_end = 3}, ids), ElementsAre(5, 8));
  EXPECT_THAT(Without({.token_begin = 3, .token_end = 4}, ids), ElementsAre(5, 6, 7));
  EXPECT_THAT(Without({.token_begin = 0, .token_end = 4}, ids), IsEmpty());
}

}  // namespace
}  // namespace attentiond
