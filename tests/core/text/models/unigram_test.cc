#include "core/text/models/unigram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/text/models/word_level.h"
#include "tests/testing/text_components.h"

namespace attentiond {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using testing::Placed;
using testing::Tokens;

json Model(const char* more = "[]", const char* options = R"({"unk_id": 0})") {
  json vocab = json::parse(R"([["<unk>", 0.0], ["ab", 0.0], ["cd", -0.1], ["abc", -0.2],
                               ["a", -0.3], ["b", -0.4], ["c", -0.5], ["é", -0.5]])");
  for (const json& entry : json::parse(more)) vocab.push_back(entry);
  json model = {{"type", "Unigram"}, {"vocab", std::move(vocab)}};
  model.update(json::parse(options));
  return model;
}

TEST(UnigramTest, TakesTheBestCut) {
  EXPECT_THAT(Tokens(Model(), "abcd"), ElementsAre(Placed{"ab", 0, 2}, Placed{"cd", 2, 4}));
  EXPECT_THAT(Tokens(Model(), "abc"), ElementsAre(Placed{"abc", 0, 3}));
  EXPECT_THAT(Tokens(Model(), "aéb"),
              ElementsAre(Placed{"a", 0, 1}, Placed{"é", 1, 3}, Placed{"b", 3, 4}));
}

TEST(UnigramTest, JoinsUnknownCharacters) {
  EXPECT_THAT(Tokens(Model(), "axèb"),
              ElementsAre(Placed{"a", 0, 1}, Placed{"<unk>", 1, 4}, Placed{"b", 4, 5}));
}

TEST(UnigramTest, FallsBackToBytes) {
  const char* const bytes = R"([["<0xC3>", -1.0], ["<0xA8>", -1.0]])";
  const char* const options = R"({"unk_id": 0, "byte_fallback": true})";
  EXPECT_THAT(Tokens(Model(bytes, options), "aè"),
              ElementsAre(Placed{"a", 0, 1}, Placed{"<0xC3>", 1, 3}, Placed{"<0xA8>", 1, 3}));
  EXPECT_THAT(Tokens(Model(bytes, options), "aê"),
              ElementsAre(Placed{"a", 0, 1}, Placed{"<unk>", 1, 3}));
}

TEST(UnigramTest, OfEqualTokensTheLastCounts) {
  const auto model = BuildTokenModel(Model(R"([["ab", 5.0]])"));
  ASSERT_TRUE(model.ok()) << model.status();
  std::vector<ModelToken> tokens;
  ASSERT_TRUE((*model)->Tokenize("ab", &tokens).ok());
  ASSERT_EQ(tokens.size(), 1u);
  EXPECT_EQ(tokens[0].id, 8);
}

TEST(UnigramTest, SaysWhatIsWrong) {
  EXPECT_EQ(BuildTokenModel({{"type", "Unigram"}}).status(),
            absl::InvalidArgumentError("\"vocab\" is not a list of [token, score]"));
  EXPECT_EQ(BuildTokenModel(Model(R"([["x", "y"]])")).status(),
            absl::InvalidArgumentError("\"vocab\" entry 8 is not [token, score]"));
  EXPECT_EQ(BuildTokenModel(Model("[]", R"({"unk_id": 8})")).status(),
            absl::InvalidArgumentError("\"unk_id\" is 8, 0 to 7 is required"));
  const auto model = BuildTokenModel(Model("[]", R"({"unk_id": null})"));
  ASSERT_TRUE(model.ok()) << model.status();
  std::vector<ModelToken> tokens;
  EXPECT_TRUE((*model)->Tokenize("abc", &tokens).ok());
  EXPECT_EQ((*model)->Tokenize("x", &tokens),
            absl::InvalidArgumentError("the text has a character that is not in the tokenizer's "
                                       "vocabulary, which has no \"unk_id\""));
}

TEST(WordLevelTest, LooksWordsUp) {
  const json model = json::parse(
      R"({"type": "WordLevel", "vocab": {"<unk>": 0, "word": 1}, "unk_token": "<unk>"})");
  EXPECT_THAT(Tokens(model, "word"), ElementsAre(Placed{"word", 0, 4}));
  EXPECT_THAT(Tokens(model, "words"), ElementsAre(Placed{"<unk>", 0, 5}));
  const auto without =
      BuildTokenModel(json::parse(R"({"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "?"})"));
  ASSERT_TRUE(without.ok()) << without.status();
  std::vector<ModelToken> tokens;
  EXPECT_EQ(
      (*without)->Tokenize("b", &tokens),
      absl::InvalidArgumentError("word \"b\" is not in the tokenizer's vocabulary, nor is its "
                                 "unknown token"));
}

}  // namespace
}  // namespace attentiond
