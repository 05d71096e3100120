// Tokenizers without a tokenizer.json: the same as with one, or as SentencePiece.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/text/tokenizer.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using nlohmann::json;
using testing::TemporaryDirectory;

std::string Golden(const std::string& path) {
  return ATTENTIOND_SOURCE_DIR "/tests/golden/" + path;
}

json ReadJson(const std::string& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << path;
  return json::parse(in);
}

struct MergesCase {
  const char* golden;           // with a tokenizer.json
  const char* tokenizer_class;  // that its vocabulary and merges belong to
};

class VocabMergesTest : public ::testing::TestWithParam<MergesCase> {};

TEST_P(VocabMergesTest, EqualsTokenizerJson) {
  const std::string golden = Golden(GetParam().golden);
  const json contents = ReadJson(golden + "/tokenizer.json");
  std::string merges = "#version: 0.2\n";
  for (const json& merge : contents.at("model").at("merges")) {
    merges += merge.at(0).get<std::string>() + " " + merge.at(1).get<std::string>() + "\n";
  }
  const TemporaryDirectory directory;
  directory.Write("vocab.json", contents.at("model").at("vocab").dump());
  directory.Write("merges.txt", merges);
  json config = {{"tokenizer_class", GetParam().tokenizer_class}};
  for (const json& token : contents.at("added_tokens")) {
    config["added_tokens_decoder"][std::to_string(token.at("id").get<int>())] = token;
  }
  directory.Write("tokenizer_config.json", config.dump());

  const auto from_files = Tokenizer::Load(directory.path());
  const auto from_json = Tokenizer::Load(golden);
  ASSERT_TRUE(from_files.ok()) << from_files.status();
  ASSERT_TRUE(from_json.ok()) << from_json.status();
  const json cases = ReadJson(Golden("roberta-classify/cases.json"));
  for (const json& expected : cases.at("tokenize")) {
    const std::string text = expected.at("text");
    for (const std::optional<absl::string_view> pair :
         {std::optional<absl::string_view>(), std::optional<absl::string_view>("a pair")}) {
      const auto a = (*from_files)->Encode(text, pair, {});
      const auto b = (*from_json)->Encode(text, pair, {});
      ASSERT_TRUE(a.ok()) << a.status();
      ASSERT_TRUE(b.ok()) << b.status();
      EXPECT_EQ(a->ids, b->ids) << text;
      EXPECT_EQ(a->type_ids, b->type_ids) << text;
      EXPECT_EQ(a->offsets, b->offsets) << text;
      EXPECT_EQ((*from_files)->Decode(a->ids, true).value(),
                (*from_json)->Decode(b->ids, true).value());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, VocabMergesTest,
                         ::testing::Values(MergesCase{"roberta-classify", "RobertaTokenizer"},
                                           MergesCase{"roberta-classify", "BartTokenizerFast"},
                                           MergesCase{"tokenizers/gpt2-lm", "GPT2Tokenizer"},
                                           MergesCase{"tokenizers/qwen2", "Qwen2Tokenizer"}),
                         [](const auto& test) { return std::string(test.param.tokenizer_class); });

class SentencePieceTest : public ::testing::TestWithParam<const char*> {};

TEST_P(SentencePieceTest, AgreesWithTheLibrary) {
  const std::string golden = Golden(std::string("tokenizer_files/") + GetParam());
  const auto tokenizer = Tokenizer::Load(golden);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  for (const json& expected : ReadJson(golden + "/cases.json")) {
    SCOPED_TRACE(expected.dump());
    const std::string text = expected.at("text");
    const std::string pair = expected.at("pair");
    const auto single = (*tokenizer)->Encode(text, std::nullopt, {});
    ASSERT_TRUE(single.ok()) << single.status();
    EXPECT_EQ(single->ids, expected.at("ids").get<std::vector<int32_t>>());
    std::vector<int64_t> offsets;
    for (size_t i = 0; i < single->offsets.size(); ++i) {
      if (single->sequence[i] < 0) continue;
      offsets.insert(offsets.end(), {single->offsets[i].begin, single->offsets[i].end});
    }
    EXPECT_EQ(offsets, expected.at("offsets").get<std::vector<int64_t>>());
    const auto both = (*tokenizer)->Encode(text, pair, {});
    ASSERT_TRUE(both.ok()) << both.status();
    EXPECT_EQ(both->ids, expected.at("pair_ids").get<std::vector<int32_t>>());
    EXPECT_EQ(both->type_ids, expected.at("pair_types").get<std::vector<int32_t>>());
  }
}

// A special token is found in the text before the model sees it.
TEST_P(SentencePieceTest, FindsSpecialTokens) {
  const auto tokenizer = Tokenizer::Load(Golden(std::string("tokenizer_files/") + GetParam()));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const auto whole = (*tokenizer)->Encode("a", std::nullopt, {});
  ASSERT_TRUE(whole.ok()) << whole.status();
  const int32_t last = whole->ids.back();
  const std::string text = "a" + std::string((*tokenizer)->Token(last));
  const auto encoding = (*tokenizer)->Encode(text, std::nullopt, {.add_special_tokens = false});
  ASSERT_TRUE(encoding.ok()) << encoding.status();
  EXPECT_EQ(encoding->ids.back(), last);
  EXPECT_EQ((*tokenizer)->Decode(encoding->ids, /*skip_special_tokens=*/true).value(), "a");
}

INSTANTIATE_TEST_SUITE_P(All, SentencePieceTest,
                         ::testing::Values("T5Tokenizer", "XLMRobertaTokenizer",
                                           "CamembertTokenizer", "DebertaV2Tokenizer"),
                         [](const auto& test) { return std::string(test.param); });

TEST(TokenizerFilesTest, TakesTheClassFromTheModelsType) {
  const TemporaryDirectory directory;
  directory.Write("vocab.json", R"({"<s>": 0, "</s>": 1, "a": 2})");
  directory.Write("merges.txt", "");
  directory.Write("config.json", R"({"model_type": "roberta"})");
  const auto tokenizer = Tokenizer::Load(directory.path());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const auto encoding = (*tokenizer)->Encode("a", "a", {});
  ASSERT_TRUE(encoding.ok()) << encoding.status();
  EXPECT_EQ(encoding->ids, (std::vector<int32_t>{0, 2, 1, 1, 2, 1}));
}

TEST(TokenizerFilesTest, SaysWhatIsWrong) {
  const TemporaryDirectory directory;
  directory.Write("vocab.json", R"({"a": 0})");
  const std::string merges = directory.Write("merges.txt", "a b c\n");
  EXPECT_EQ(
      Tokenizer::Load(directory.path()).status(),
      absl::UnimplementedError(
          merges +
          ": tokenizer_config.json: \"tokenizer_class\" \"\" is not supported with vocab.json "
          "and merges.txt (supported: RobertaTokenizer, BartTokenizer, LEDTokenizer, "
          "LongformerTokenizer, GPT2Tokenizer, Qwen2Tokenizer; any class with a "
          "tokenizer.json)"));
  directory.Write("tokenizer_config.json", R"({"tokenizer_class": "RobertaTokenizer"})");
  EXPECT_EQ(Tokenizer::Load(directory.path()).status(),
            absl::InvalidArgumentError(merges + ": does not have the cls_token \"<s>\""));
  directory.Write("tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer"})");
  EXPECT_EQ(Tokenizer::Load(directory.path()).status(),
            absl::InvalidArgumentError(
                merges + ": model: merge \"a b c\" is not two tokens with a space between"));
}

TEST(TokenizerFilesTest, RefusesWhatIsNoSentencePieceModel) {
  const TemporaryDirectory directory;
  directory.Write("tokenizer_config.json", R"({"tokenizer_class": "T5Tokenizer"})");
  const std::string path = directory.Write("spiece.model", "not a model");
  EXPECT_EQ(Tokenizer::Load(directory.path()).status(),
            absl::InvalidArgumentError(path + ": is not a SentencePiece model"));
}

}  // namespace
}  // namespace attentiond
