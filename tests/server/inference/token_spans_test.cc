// tests/server/inference/token_spans_test.cc -- characters and words of tokens, over scripts of
// every UTF-8 length.
#include "server/inference/token_spans.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace attentiond {
namespace {

using testing::ElementsAre;

/// The encoding of pieces of `text`, in order, each found from the end of the one before; "" is a
/// special token.
void AddPieces(absl::string_view text, const std::vector<std::string>& pieces, int8_t sequence,
               Encoding* encoding) {
  size_t from = 0;
  for (const std::string& piece : pieces) {
    Encoding::Offset offset;
    if (!piece.empty()) {
      const size_t begin = text.find(piece, from);
      ASSERT_NE(begin, absl::string_view::npos) << piece;
      from = begin + piece.size();
      offset = {static_cast<int64_t>(begin), static_cast<int64_t>(from)};
    }
    encoding->ids.push_back(0);
    encoding->type_ids.push_back(sequence);
    encoding->offsets.push_back(offset);
    encoding->sequence.push_back(piece.empty() ? int8_t{-1} : sequence);
  }
}

std::vector<TokenSpan> SpansOfPieces(absl::string_view text,
                                     const std::vector<std::string>& pieces) {
  Encoding encoding;
  AddPieces(text, pieces, 0, &encoding);
  return SpansOf(encoding, text, std::nullopt);
}

/// The words' numbers; -1 for special tokens.
std::vector<int32_t> Words(const std::vector<TokenSpan>& spans) {
  std::vector<int32_t> words;
  for (const TokenSpan& span : spans) words.push_back(span.word.value_or(-1));
  return words;
}

std::vector<std::pair<int64_t, int64_t>> Characters(const std::vector<TokenSpan>& spans) {
  std::vector<std::pair<int64_t, int64_t>> characters;
  for (const TokenSpan& span : spans) characters.emplace_back(span.char_begin, span.char_end);
  return characters;
}

TEST(TokenSpansTest, JoinsThePiecesOfAWord) {
  const auto spans = SpansOfPieces("a starfish", {"", "a", "star", "fish", ""});
  EXPECT_THAT(Words(spans), ElementsAre(-1, 0, 1, 1, -1));
  EXPECT_THAT(Characters(spans), ElementsAre(std::pair(0, 0), std::pair(0, 1), std::pair(2, 6),
                                             std::pair(6, 10), std::pair(0, 0)));
}

TEST(TokenSpansTest, PunctuationAndSymbolsAreWords) {
  EXPECT_THAT(Words(SpansOfPieces("cat, don't", {"cat", ",", "don", "'", "t"})),
              ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(Words(SpansOfPieces("$5+x", {"$", "5", "+", "x"})), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Words(SpansOfPieces("...", {".", ".", "."})), ElementsAre(0, 1, 2));
}

TEST(TokenSpansTest, CountsCodePointsOfEveryLength) {
  // 1, 2, 3 and 4 bytes a character.
  const auto spans = SpansOfPieces("na\u00efve \u732b\u732b \U0001f63a x",
                                   {"na\u00ef", "ve", "\u732b", "\u732b", "\U0001f63a", "x"});
  EXPECT_THAT(Characters(spans), ElementsAre(std::pair(0, 3), std::pair(3, 5), std::pair(6, 7),
                                             std::pair(7, 8), std::pair(9, 10), std::pair(11, 12)));
  EXPECT_THAT(Words(spans), ElementsAre(0, 0, 1, 2, 3, 4));
}

TEST(TokenSpansTest, NumbersThePairOnItsOwn) {
  const std::string text = "\u00e9 b", pair = "c d";
  Encoding encoding;
  AddPieces(text, {"", "\u00e9", "b", ""}, 0, &encoding);
  AddPieces(pair, {"c", "d", ""}, 1, &encoding);
  const auto spans = SpansOf(encoding, text, pair);
  EXPECT_THAT(Words(spans), ElementsAre(-1, 0, 1, -1, 0, 1, -1));
  EXPECT_THAT(Characters(spans),
              ElementsAre(std::pair(0, 0), std::pair(0, 1), std::pair(2, 3), std::pair(0, 0),
                          std::pair(0, 1), std::pair(2, 3), std::pair(0, 0)));
}

TEST(TokenSpansTest, TokensOfOneCharacterShareItsWord) {
  // What a compatibility character that normalizes to two letters becomes.
  Encoding encoding;
  encoding.ids = {1, 2, 3};
  encoding.type_ids = {0, 0, 0};
  encoding.offsets = {{0, 3}, {0, 3}, {3, 4}};
  encoding.sequence = {0, 0, 0};
  const auto spans = SpansOf(encoding, "\u338fx", std::nullopt);
  EXPECT_THAT(Characters(spans), ElementsAre(std::pair(0, 1), std::pair(0, 1), std::pair(1, 2)));
  EXPECT_EQ(spans[0].word, spans[1].word);
}

TEST(TokenSpansTest, AnEmptyTextHasSpecialTokensOnly) {
  EXPECT_THAT(Words(SpansOfPieces("", {"", ""})), ElementsAre(-1, -1));
  EXPECT_TRUE(SpansOf(Encoding(), "", std::nullopt).empty());
}

}  // namespace
}  // namespace attentiond
