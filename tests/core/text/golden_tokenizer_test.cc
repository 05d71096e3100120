// Every text of the golden checkpoints, tokenized as transformers did it.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/text/tokenizer.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using nlohmann::json;

json ReadJson(const std::string& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << path;
  return json::parse(in);
}

// Code points are what does not begin with a continuation byte.
int64_t CountCodePoints(absl::string_view text) {
  int64_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

// The golden offsets count code points, ours bytes.
std::vector<std::vector<int64_t>> InCodePoints(const std::string& text,
                                               const std::vector<Encoding::Offset>& offsets) {
  std::vector<std::vector<int64_t>> result;
  for (const Encoding::Offset& offset : offsets) {
    result.push_back({CountCodePoints(text.substr(0, static_cast<size_t>(offset.begin))),
                      CountCodePoints(text.substr(0, static_cast<size_t>(offset.end)))});
  }
  return result;
}

class GoldenTokenizerTest : public ::testing::TestWithParam<const char*> {
 protected:
  GoldenTokenizerTest()
      : directory_(std::string(ATTENTIOND_SOURCE_DIR) + "/tests/golden/" + GetParam()) {}

  std::string directory_;
};

TEST_P(GoldenTokenizerTest, AgreesOnEveryText) {
  const auto tokenizer = Tokenizer::Load(directory_);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const int64_t max_length = (*tokenizer)->model_max_length();
  EXPECT_EQ(max_length, ReadJson(directory_ + "/tokenizer_config.json").at("model_max_length"));
  EXPECT_EQ((*tokenizer)->vocab_size(),
            static_cast<int64_t>(
                ReadJson(directory_ + "/tokenizer.json").at("model").at("vocab").size()));

  const json cases = ReadJson(directory_ + "/cases.json");
  for (const json& expected : cases.at("tokenize")) {
    const std::string text = expected.at("text");
    SCOPED_TRACE(expected.dump());
    if (expected.contains("pair")) {
      const std::string pair = expected.at("pair");
      const auto encoding =
          (*tokenizer)->Encode(text, pair, {.max_length = max_length, .truncate = true});
      ASSERT_TRUE(encoding.ok()) << encoding.status();
      EXPECT_EQ(encoding->ids, expected.at("input_ids").get<std::vector<int32_t>>());
      EXPECT_EQ(encoding->type_ids, expected.at("token_type_ids").get<std::vector<int32_t>>());
      continue;
    }
    const auto encoding =
        (*tokenizer)->Encode(text, std::nullopt, {.max_length = max_length, .truncate = true});
    ASSERT_TRUE(encoding.ok()) << encoding.status();
    EXPECT_EQ(encoding->ids, expected.at("input_ids").get<std::vector<int32_t>>());
    std::vector<std::string> tokens;
    for (const int32_t id : encoding->ids) tokens.emplace_back((*tokenizer)->Token(id));
    EXPECT_EQ(tokens, expected.at("tokens").get<std::vector<std::string>>());
    EXPECT_EQ(InCodePoints(text, encoding->offsets),
              expected.at("offsets_codepoints").get<std::vector<std::vector<int64_t>>>());

    const auto plain = (*tokenizer)->Encode(text, std::nullopt, {.add_special_tokens = false});
    ASSERT_TRUE(plain.ok()) << plain.status();
    EXPECT_EQ(plain->ids, expected.at("input_ids_no_special").get<std::vector<int32_t>>());
    EXPECT_EQ((*tokenizer)->Decode(plain->ids, /*skip_special_tokens=*/true).value(),
              expected.at("decoded").get<std::string>());
  }
  EXPECT_GE(cases.at("tokenize").size(), 50u);
}

TEST_P(GoldenTokenizerTest, AgreesOnTheModelsInputs) {
  const auto tokenizer = Tokenizer::Load(directory_);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const int64_t max_length = (*tokenizer)->model_max_length();
  const json cases = ReadJson(directory_ + "/cases.json");
  for (const json& expected : cases.at("cases")) {
    SCOPED_TRACE(expected.at("name"));
    const std::string text = expected.at("text");
    const std::string pair = expected.value("pair", "");
    const auto encoding =
        (*tokenizer)
            ->Encode(
                text,
                expected.contains("pair") ? std::optional<absl::string_view>(pair) : std::nullopt,
                {.max_length = max_length, .truncate = true});
    ASSERT_TRUE(encoding.ok()) << encoding.status();
    EXPECT_EQ(encoding->ids, expected.at("input_ids").get<std::vector<int32_t>>());
    if (expected.contains("token_type_ids")) {
      EXPECT_EQ(encoding->type_ids, expected.at("token_type_ids").get<std::vector<int32_t>>());
    }
  }
}

using WordPieceGoldenTest = GoldenTokenizerTest;

// The same vocabulary as a vocab.txt must give the same tokenizer.
TEST_P(WordPieceGoldenTest, VocabTxtEqualsTokenizerJson) {
  const json contents = ReadJson(directory_ + "/tokenizer.json");
  std::vector<std::string> lines(contents.at("model").at("vocab").size());
  for (const auto& [token, id] : contents.at("model").at("vocab").items()) {
    lines.at(id.get<size_t>()) = token;
  }
  std::string vocab;
  for (const std::string& line : lines) vocab += line + "\n";
  const bool lowercase = contents.at("normalizer").at("lowercase");

  const testing::TemporaryDirectory directory;
  directory.Write("vocab.txt", vocab);
  directory.Write("tokenizer_config.json",
                  json{{"do_lower_case", lowercase}, {"model_max_length", 128}}.dump());
  const auto from_vocab = Tokenizer::Load(directory.path());
  const auto from_json = Tokenizer::Load(directory_);
  ASSERT_TRUE(from_vocab.ok()) << from_vocab.status();
  ASSERT_TRUE(from_json.ok()) << from_json.status();
  EXPECT_EQ((*from_vocab)->model_max_length(), 128);
  EXPECT_EQ((*from_vocab)->vocab_size(), (*from_json)->vocab_size());

  const json cases = ReadJson(directory_ + "/cases.json");
  for (const json& expected : cases.at("tokenize")) {
    const std::string text = expected.at("text");
    const std::string pair = expected.value("pair", "");
    for (const std::optional<absl::string_view> second :
         {std::optional<absl::string_view>(), std::optional<absl::string_view>(pair)}) {
      const auto a = (*from_vocab)->Encode(text, second, {});
      const auto b = (*from_json)->Encode(text, second, {});
      ASSERT_TRUE(a.ok()) << a.status();
      ASSERT_TRUE(b.ok()) << b.status();
      EXPECT_EQ(a->ids, b->ids) << text;
      EXPECT_EQ(a->type_ids, b->type_ids) << text;
      EXPECT_EQ(a->offsets, b->offsets) << text;
      EXPECT_EQ((*from_vocab)->Decode(a->ids, true).value(),
                (*from_json)->Decode(b->ids, true).value());
    }
  }
}

std::string TestName(const ::testing::TestParamInfo<const char*>& test) {
  std::string name = test.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '/'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTokenizerTest,
                         ::testing::Values("bert-classify", "distilbert-classify", "bert-embed",
                                           "roberta-classify", "xlmr-embed", "tokenizers/gpt2-lm",
                                           "tokenizers/llama-lm", "tokenizers/qwen3-lm",
                                           "t5-translate",
                                           "flan-t5-translate"),
                         TestName);
INSTANTIATE_TEST_SUITE_P(All, WordPieceGoldenTest,
                         ::testing::Values("bert-classify", "distilbert-classify", "bert-embed"),
                         TestName);

}  // namespace
}  // namespace attentiond
