#include "core/text/models/word_piece.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace attentiond {

bool operator==(const ModelToken& a, const ModelToken& b) {
  return a.id == b.id && a.begin == b.begin && a.end == b.end;
}

namespace {

using nlohmann::json;
using Tokens = std::vector<ModelToken>;

json Small() {
  return json::parse(R"({"vocab": {"[UNK]": 0, "un": 1, "##aff": 2, "##able": 3, "##a": 4,
                                   "unaf": 5, "é": 6, "##é": 7, "": 8, "##": 9}})");
}

Tokens Tokenize(const json& model, absl::string_view word) {
  const auto word_piece = WordPiece::FromJson(model);
  EXPECT_TRUE(word_piece.ok()) << word_piece.status();
  Tokens tokens;
  EXPECT_TRUE((*word_piece)->Tokenize(word, &tokens).ok());
  return tokens;
}

TEST(WordPieceTest, TakesTheLongestFirst) {
  EXPECT_EQ(Tokenize(Small(), "un"), (Tokens{{1, 0, 2}}));
  EXPECT_EQ(Tokenize(Small(), "unaa"), (Tokens{{1, 0, 2}, {4, 2, 3}, {4, 3, 4}}));
  EXPECT_EQ(Tokenize(Small(), "éé"), (Tokens{{6, 0, 2}, {7, 2, 4}}));
}

TEST(WordPieceTest, DoesNotGoBack) {
  // "un" + "##aff" would do, but the longest first is "unaf", and nothing continues it.
  EXPECT_EQ(Tokenize(Small(), "unaff"), (Tokens{{0, 0, 5}}));
}

TEST(WordPieceTest, MakesTheWholeWordUnknown) {
  EXPECT_EQ(Tokenize(Small(), "unx"), (Tokens{{0, 0, 3}}));
  EXPECT_EQ(Tokenize(Small(), "x"), (Tokens{{0, 0, 1}}));
  EXPECT_EQ(Tokenize(Small(), "able"), (Tokens{{0, 0, 4}}));  // only continues words
}

TEST(WordPieceTest, AppendsToWhatIsThere) {
  const auto word_piece = WordPiece::FromJson(Small());
  ASSERT_TRUE(word_piece.ok());
  Tokens tokens = {{1, 0, 2}};
  EXPECT_TRUE((*word_piece)->Tokenize("unx", &tokens).ok());
  EXPECT_EQ(tokens, (Tokens{{1, 0, 2}, {0, 0, 3}}));
}

TEST(WordPieceTest, CountsCharactersNotBytes) {
  json model = Small();
  model["max_input_chars_per_word"] = 3;
  EXPECT_EQ(Tokenize(model, "ééé").size(), 3u);
  EXPECT_EQ(Tokenize(model, "éééé"), (Tokens{{0, 0, 8}}));
  model["max_input_chars_per_word"] = 0;
  EXPECT_EQ(Tokenize(model, "un"), (Tokens{{0, 0, 2}}));
}

TEST(WordPieceTest, TakesAnyPrefix) {
  json model = json::parse(R"({"vocab": {"[UNK]": 0, "a": 1, "@b": 2},
                               "continuing_subword_prefix": "@"})");
  EXPECT_EQ(Tokenize(model, "ab"), (Tokens{{1, 0, 1}, {2, 1, 2}}));
  model["continuing_subword_prefix"] = "";
  EXPECT_EQ(Tokenize(model, "aa"), (Tokens{{1, 0, 1}, {1, 1, 2}}));
  model["continuing_subword_prefix"] = "%";  // of no token
  EXPECT_EQ(Tokenize(model, "a"), (Tokens{{1, 0, 1}}));
  EXPECT_EQ(Tokenize(model, "aa"), (Tokens{{0, 0, 2}}));
}

TEST(WordPieceTest, RefusesWhatIsBroken) {
  EXPECT_EQ(WordPiece::FromJson(json::object()).status(),
            absl::InvalidArgumentError("has no \"vocab\""));
  EXPECT_EQ(WordPiece::FromJson({{"vocab", {{"a", 0u}}}}).status(),
            absl::InvalidArgumentError("\"unk_token\" is \"[UNK]\", which is not in \"vocab\""));
  json model = Small();
  model["max_input_chars_per_word"] = -1;
  EXPECT_EQ(
      WordPiece::FromJson(model).status(),
      absl::InvalidArgumentError("\"max_input_chars_per_word\" is -1, at least 0 is required"));
  model = Small();
  model["continuing_subword_prefix"] = 1;
  EXPECT_EQ(WordPiece::FromJson(model).status(),
            absl::InvalidArgumentError("\"continuing_subword_prefix\" is 1, a string is required"));
}

}  // namespace
}  // namespace attentiond
