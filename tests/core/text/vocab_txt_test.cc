#include "core/text/vocab_txt.h"

#include <gtest/gtest.h>

#include <string>

namespace attentiond {
namespace {

using nlohmann::json;

constexpr char kVocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##b\n";

json Build(absl::string_view vocab, const json& config) {
  auto contents = TokenizerJsonFromVocab(vocab, TokenizerConfig(config, ""));
  EXPECT_TRUE(contents.ok()) << contents.status();
  return *std::move(contents);
}

TEST(VocabTxtTest, NumbersTheLines) {
  const json contents = Build(kVocab, json::object());
  EXPECT_EQ(contents.at("model").at("vocab"),
            json::parse(R"({"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "a": 5,
                            "##b": 6})"));
  EXPECT_EQ(contents.at("post_processor").at("cls"), json::parse(R"(["[CLS]", 2])"));
  EXPECT_EQ(contents.at("normalizer"),
            json::parse(R"({"type": "BertNormalizer", "clean_text": true, "lowercase": true,
                            "handle_chinese_chars": true, "strip_accents": null})"));
  EXPECT_EQ(contents.at("added_tokens").size(), 5u);
}

TEST(VocabTxtTest, ReadsOddLines) {
  // Windows line ends, an empty line, a repeated token (the last counts), no line end at the end.
  const json vocab =
      Build("[UNK]\r\n[CLS]\r\n\r\n[SEP]\r\nx\r\nx\r\ny z", json::object()).at("model").at("vocab");
  EXPECT_EQ(vocab, json::parse(R"({"[UNK]": 0, "[CLS]": 1, "": 2, "[SEP]": 3, "x": 5, "y z": 6})"));
}

TEST(VocabTxtTest, FollowsTheConfig) {
  const json contents = Build("<u>\n<c>\n<s>\n<new>", json::parse(R"({
    "tokenizer_class": "DistilBertTokenizerFast", "do_lower_case": false,
    "tokenize_chinese_chars": false, "strip_accents": true,
    "unk_token": "<u>", "cls_token": {"content": "<c>"}, "sep_token": "<s>",
    "added_tokens_decoder": {"3": {"content": "<new>", "lstrip": true, "special": false}}})"));
  EXPECT_EQ(contents.at("model").at("unk_token"), "<u>");
  EXPECT_EQ(contents.at("normalizer"),
            json::parse(R"({"type": "BertNormalizer", "clean_text": true, "lowercase": false,
                            "handle_chinese_chars": false, "strip_accents": true})"));
  EXPECT_EQ(contents.at("added_tokens"), json::parse(R"([
    {"id": 3, "content": "<new>", "lstrip": true, "special": false},
    {"id": 0, "content": "<u>", "special": true, "normalized": false},
    {"id": 2, "content": "<s>", "special": true, "normalized": false},
    {"id": 1, "content": "<c>", "special": true, "normalized": false}])"));
}

TEST(VocabTxtTest, RefusesWhatIsBroken) {
  struct Case {
    const char* vocab;
    const char* config;
    const char* message;
  };
  for (const auto& [vocab, config, message] : {
           Case{"a\n\xff", "{}", "is not valid UTF-8 at byte 2"},
           Case{"", "{}", "does not have the unk_token \"[UNK]\""},
           Case{"[UNK]\n[SEP]", "{}", "does not have the cls_token \"[CLS]\""},
           Case{kVocab, R"({"do_lower_case": 1})",
                "tokenizer_config.json: \"do_lower_case\" is 1, true or false is required"},
           Case{kVocab, R"({"unk_token": 1})",
                "tokenizer_config.json: \"unk_token\" is 1, a string is required"},
           Case{kVocab, R"({"added_tokens_decoder": []})",
                "tokenizer_config.json: \"added_tokens_decoder\" is not an object of tokens by id"},
           Case{kVocab, R"({"added_tokens_decoder": {"x": {}}})",
                "tokenizer_config.json: \"added_tokens_decoder\" is not an object of tokens by id"},
           Case{kVocab, R"({"added_tokens_decoder": {"1": 2}})",
                "tokenizer_config.json: \"added_tokens_decoder\" is not an object of tokens by id"},
       }) {
    const json root = json::parse(config);
    EXPECT_EQ(TokenizerJsonFromVocab(vocab, TokenizerConfig(root, "")).status(),
              absl::InvalidArgumentError(message))
        << config;
  }
}

TEST(VocabTxtTest, RefusesTokenizersThatReadTheFileOtherwise) {
  const json config = {{"tokenizer_class", "BertJapaneseTokenizer"}};
  const auto contents = TokenizerJsonFromVocab(kVocab, TokenizerConfig(config, ""));
  EXPECT_EQ(contents.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(contents.status().message(),
            "tokenizer_config.json: \"tokenizer_class\" \"BertJapaneseTokenizer\" is not supported "
            "with vocab.txt (supported: BertTokenizer, ConvBertTokenizer, DistilBertTokenizer, "
            "ElectraTokenizer, LayoutLMTokenizer, LxmertTokenizer, MobileBertTokenizer, "
            "SqueezeBertTokenizer; any class with a tokenizer.json)");
}

}  // namespace
}  // namespace attentiond
