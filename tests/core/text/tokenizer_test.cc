#include "core/text/tokenizer.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/testing/small_tokenizer_json.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using ::attentiond::testing::SmallTokenizerJson;
using ::attentiond::testing::TemporaryDirectory;

constexpr char kVocab[] = "[UNK]\n[CLS]\n[SEP]\na\n";

TEST(TokenizerLoadTest, PrefersTokenizerJson) {
  const TemporaryDirectory directory;
  directory.Write("vocab.txt", kVocab);
  auto tokenizer = Tokenizer::Load(directory.path());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->vocab_size(), 4);
  EXPECT_EQ((*tokenizer)->model_max_length(), 0);

  directory.Write("tokenizer.json", SmallTokenizerJson().dump());
  tokenizer = Tokenizer::Load(directory.path());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->vocab_size(), 13);
}

TEST(TokenizerLoadTest, ReadsTheLongestInput) {
  const TemporaryDirectory directory;
  directory.Write("vocab.txt", kVocab);
  const auto length = [&directory](const std::string& value) {
    directory.Write("tokenizer_config.json", "{\"model_max_length\": " + value + "}");
    const auto tokenizer = Tokenizer::Load(directory.path());
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
    return (*tokenizer)->model_max_length();
  };
  EXPECT_EQ(length("512"), 512);
  EXPECT_EQ(length("null"), 0);
  EXPECT_EQ(length("1000000000000000019884624838656"), 0);  // what transformers writes for none

  const std::string path = "tokenizer_config.json";
  directory.Write("tokenizer_config.json", R"({"model_max_length": 0})");
  EXPECT_EQ(
      Tokenizer::Load(directory.path()).status(),
      absl::InvalidArgumentError(path + ": \"model_max_length\" is 0, at least 1 is required"));
  directory.Write("tokenizer_config.json", R"({"model_max_length": "x"})");
  EXPECT_EQ(Tokenizer::Load(directory.path()).status(),
            absl::InvalidArgumentError(path + ": \"model_max_length\" is \"x\", a number is "
                                              "required"));
}

TEST(TokenizerLoadTest, NamesTheFileInEveryError) {
  const TemporaryDirectory directory;
  EXPECT_EQ(Tokenizer::Load(directory.path()).status(),
            absl::NotFoundError(directory.path() +
                                ": no tokenizer.json, vocab.txt, vocab.json with merges.txt, or "
                                "SentencePiece model (spiece.model, spm.model, "
                                "sentencepiece.bpe.model)"));

  directory.Write("vocab.txt", "a\n");
  EXPECT_EQ(Tokenizer::Load(directory.path()).status(),
            absl::InvalidArgumentError(directory.PathOf("vocab.txt") +
                                       ": does not have the unk_token \"[UNK]\""));

  const std::string path = directory.Write("tokenizer.json", "{");
  EXPECT_EQ(Tokenizer::Load(directory.path()).status(),
            absl::InvalidArgumentError(path + ": not valid JSON at byte 2"));
  directory.Write("tokenizer.json", R"({"model": {"type": "BPE"}})");
  EXPECT_EQ(Tokenizer::Load(directory.path()).status(),
            absl::InvalidArgumentError(path + ": model: has no \"vocab\""));

  directory.Write("tokenizer_config.json", "[]");
  EXPECT_EQ(Tokenizer::Load(directory.path()).status(),
            absl::InvalidArgumentError(directory.PathOf("tokenizer_config.json") +
                                       ": the root is an array, an object is required"));
}

}  // namespace
}  // namespace attentiond
