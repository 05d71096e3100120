#include "core/text/models/bpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/text_components.h"

namespace attentiond {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using testing::Placed;
using testing::Tokens;

json Model(const char* merges, const char* options = "{}") {
  json model = json::parse(R"({"type": "BPE", "vocab": {
      "<unk>": 0, "a": 1, "b": 2, "c": 3, "ab": 4, "bc": 5, "abc": 6, "é": 7, "<0xC3>": 8,
      "<0xA8>": 9, "##b": 10, "a##b": 11, "b</w>": 12, "ab</w>": 13, "aa": 14}})");
  model["merges"] = json::parse(merges);
  model.update(json::parse(options));
  return model;
}

TEST(BpeTest, MergesThePairLearntFirst) {
  EXPECT_THAT(Tokens(Model(R"(["b c", "a b"])"), "abc"),
              ElementsAre(Placed{"a", 0, 1}, Placed{"bc", 1, 3}));
  EXPECT_THAT(Tokens(Model(R"(["a b", "b c"])"), "abc"),
              ElementsAre(Placed{"ab", 0, 2}, Placed{"c", 2, 3}));
  EXPECT_THAT(Tokens(Model(R"([["a", "b"], ["ab", "c"]])"), "abcab"),
              ElementsAre(Placed{"abc", 0, 3}, Placed{"ab", 3, 5}));
}

TEST(BpeTest, OfEqualPairsTheLeftmostComesFirst) {
  const json model = Model(R"(["a a"])");
  EXPECT_THAT(Tokens(model, "aaaaa"),
              ElementsAre(Placed{"aa", 0, 2}, Placed{"aa", 2, 4}, Placed{"a", 4, 5}));
}

// Quadratic in the word, this would take minutes.
TEST(BpeTest, TakesLongWords) {
  const json model = Model(R"(["a a"])");
  EXPECT_EQ(Tokens(model, std::string(1 << 20, 'a')).size(), size_t{1} << 19);
}

TEST(BpeTest, UnknownCharacters) {
  EXPECT_THAT(Tokens(Model("[]"), "axé"), ElementsAre(Placed{"a", 0, 1}, Placed{"é", 1, 3}));
  EXPECT_THAT(Tokens(Model("[]", R"({"unk_token": "<unk>"})"), "axyb"),
              ElementsAre(Placed{"a", 0, 1}, Placed{"<unk>", 1, 2}, Placed{"<unk>", 2, 3},
                          Placed{"b", 3, 4}));
  EXPECT_THAT(Tokens(Model("[]", R"({"unk_token": "<unk>", "fuse_unk": true})"), "axyb"),
              ElementsAre(Placed{"a", 0, 1}, Placed{"<unk>", 1, 3}, Placed{"b", 3, 4}));
}

TEST(BpeTest, FallsBackToBytes) {
  const char* const options = R"({"unk_token": "<unk>", "byte_fallback": true})";
  EXPECT_THAT(Tokens(Model("[]", options), "aè"),
              ElementsAre(Placed{"a", 0, 1}, Placed{"<0xC3>", 1, 2}, Placed{"<0xA8>", 2, 3}));
  EXPECT_THAT(Tokens(Model("[]", options), "aê"),
              ElementsAre(Placed{"a", 0, 1}, Placed{"<unk>", 1, 3}));
}

TEST(BpeTest, MayLeaveAWordWhole) {
  EXPECT_THAT(Tokens(Model("[]", R"({"ignore_merges": true})"), "abc"),
              ElementsAre(Placed{"abc", 0, 3}));
  EXPECT_THAT(Tokens(Model("[]", R"({"ignore_merges": true})"), "abcc").size(), 4u);
}

TEST(BpeTest, PrefixAndSuffix) {
  EXPECT_THAT(Tokens(Model(R"([["a", "##b"]])", R"({"continuing_subword_prefix": "##"})"), "ab"),
              ElementsAre(Placed{"ab", 0, 2}));
  EXPECT_THAT(Tokens(Model(R"([["a", "b</w>"]])", R"({"end_of_word_suffix": "</w>"})"), "ab"),
              ElementsAre(Placed{"ab</w>", 0, 2}));
}

TEST(BpeTest, SaysWhatIsWrong) {
  EXPECT_EQ(BuildTokenModel(Model(R"(["a x"])")).status(),
            absl::InvalidArgumentError(
                "merge \"a x\" has or makes a token, \"x\", that is not in \"vocab\""));
  EXPECT_EQ(BuildTokenModel(Model(R"(["a c"])")).status(),
            absl::InvalidArgumentError(
                "merge \"a c\" has or makes a token, \"ac\", that is not in \"vocab\""));
  EXPECT_EQ(
      BuildTokenModel(Model("[1]")).status(),
      absl::InvalidArgumentError("\"merges\" is not a list of pairs, \"a b\" or [\"a\", \"b\"]"));
  EXPECT_EQ(BuildTokenModel(Model("[]", R"({"byte_fallback": true, "end_of_word_suffix": "</w>"})"))
                .status(),
            absl::UnimplementedError("\"byte_fallback\" is not supported with "
                                     "\"continuing_subword_prefix\" or \"end_of_word_suffix\""));
  const auto model = BuildTokenModel(Model("[]", R"({"unk_token": "?"})"));
  ASSERT_TRUE(model.ok()) << model.status();
  std::vector<ModelToken> tokens;
  EXPECT_TRUE((*model)->Tokenize("abc", &tokens).ok());
  EXPECT_EQ((*model)->Tokenize("x", &tokens),
            absl::InvalidArgumentError("\"unk_token\" \"?\" is not in the tokenizer's vocabulary"));
}

}  // namespace
}  // namespace attentiond
