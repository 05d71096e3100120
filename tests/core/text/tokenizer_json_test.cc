#include "core/text/tokenizer_json.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/testing/small_tokenizer_json.h"

namespace attentiond {
namespace {

using ::attentiond::testing::SmallTokenizerJson;
using nlohmann::json;

TEST(TokenizerJsonTest, Builds) {
  const auto tokenizer = BuildTokenizer(SmallTokenizerJson(), /*model_max_length=*/7);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->vocab_size(), 13);
  EXPECT_EQ((*tokenizer)->model_max_length(), 7);
}

TEST(TokenizerJsonTest, IgnoresTruncationAndPadding) {
  json contents = SmallTokenizerJson();
  contents["truncation"] = {{"max_length", 1}};
  contents["padding"] = {{"strategy", {{"Fixed", 128}}}};
  const auto tokenizer = BuildTokenizer(contents, 0);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->Encode("a b", std::nullopt, {})->size(), 4);
}

TEST(TokenizerJsonTest, KnowsModelsWithoutAType) {
  json contents = SmallTokenizerJson();
  contents["model"].erase("type");
  contents["model"]["max_input_chars_per_word"] = 100;
  EXPECT_TRUE(BuildTokenizer(contents, 0).ok());
}

TEST(TokenizerJsonTest, SaysWhichTypesThereAre) {
  struct Case {
    const char* patch;
    const char* message;
  };
  for (const auto& [patch, message] : {
           Case{R"({"normalizer": {"type": "Upper"}})",
                "normalizer: type \"Upper\" is not supported (supported: BertNormalizer, NFC, NFD, "
                "NFKC, NFKD, Lowercase, StripAccents, Strip, Replace, Prepend, Nmt, Precompiled, "
                "ByteLevel, Sequence)"},
           Case{R"({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "X"}]}})",
                "pre-tokenizer: type \"X\" is not supported (supported: BertPreTokenizer, "
                "ByteLevel, Metaspace, Whitespace, WhitespaceSplit, Split, Punctuation, Digits, "
                "CharDelimiterSplit, Sequence)"},
           Case{R"({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "[a&&b]"},
                                      "behavior": "Removed"}})",
                "pre-tokenizer: regular expression \"[a&&b]\": \"&& in a class\" is not supported"},
           Case{
               R"({"model": {"type": null}})",
               "model: type \"\" is not supported (supported: WordPiece, BPE, Unigram, WordLevel)"},
           Case{R"({"model": {"type": "BPE", "merges": [], "dropout": 0.1}})",
                "model: \"dropout\" is not supported: a text must always give the same tokens (set "
                "it to null)"},
           Case{R"({"post_processor": {"type": "Padding"}})",
                "post-processor: type \"Padding\" is not supported (supported: "
                "TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, Sequence)"},
           Case{R"({"decoder": {"type": "Speech"}})",
                "decoder: type \"Speech\" is not supported (supported: WordPiece, ByteLevel, "
                "ByteFallback, Metaspace, BPEDecoder, Fuse, Strip, Replace, CTC, Sequence)"},
           Case{R"({"version": "2.0"})", "version \"2.0\" is not supported (supported: 1.0)"},
       }) {
    json contents = SmallTokenizerJson();
    contents.merge_patch(json::parse(patch));
    EXPECT_EQ(BuildTokenizer(contents, 0).status(), absl::UnimplementedError(message)) << patch;
  }
}

TEST(TokenizerJsonTest, NamesTheSectionThatIsBroken) {
  struct Case {
    const char* patch;
    const char* message;
  };
  for (const auto& [patch, message] : {
           Case{R"({"model": null})", "has no \"model\""},
           Case{R"({"model": []})", "model: is not an object"},
           Case{R"({"model": {"vocab": null}})", "model: has no \"vocab\""},
           Case{R"({"model": {"vocab": {"a": -3}}})",
                "model: the id of token \"a\" is not an integer from 0 to 4194303"},
           Case{R"({"model": {"vocab": {"a": 4}}})",
                "model: tokens \"a\" and \"b\" have the same id 4"},
           Case{R"({"model": {"unk_token": "?"}})",
                "model: \"unk_token\" is \"?\", which is not in \"vocab\""},
           Case{R"({"normalizer": {"clean_text": 2}})",
                "normalizer: \"clean_text\" is 2, true or false is required"},
           Case{R"({"normalizer": "BertNormalizer"})", "normalizer: is not an object"},
           Case{R"({"decoder": {"cleanup": "no"}})",
                "decoder: \"cleanup\" is \"no\", true or false is required"},
           Case{R"({"added_tokens": {}})", "added tokens: is not a list"},
           Case{R"({"post_processor": {"pair": 1}})", "post-processor: \"pair\" is not a list"},
           Case{R"({"post_processor": {"special_tokens": {"[SEP]": {"ids": [99]}}}})",
                "post-processor: id 99 is not in the vocabulary"},
           Case{R"({"version": 1})", "\"version\" is 1, a string is required"},
       }) {
    json contents = SmallTokenizerJson();
    contents.merge_patch(json::parse(patch));
    EXPECT_EQ(BuildTokenizer(contents, 0).status(), absl::InvalidArgumentError(message)) << patch;
  }
}

TEST(TokenizerJsonTest, RefusesARootThatIsNoObject) {
  EXPECT_EQ(BuildTokenizer(json::array(), 0).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace attentiond
