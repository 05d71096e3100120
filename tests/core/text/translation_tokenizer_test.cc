// Every text of the golden translation models, tokenized as transformers did it, and what their
// languages do.
#include "core/text/translation_tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using nlohmann::json;
using testing::TemporaryDirectory;
using Ids = std::vector<int32_t>;

std::string Golden(const std::string& path) {
  return ATTENTIOND_SOURCE_DIR "/tests/golden/" + path;
}

json ReadJson(const std::string& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in.good()) << path;
  return json::parse(in);
}

TranslationLanguages LanguagesOf(const json& expected) {
  return {expected.value("source_lang", ""), expected.value("target_lang", "")};
}

class GoldenTranslationTokenizerTest : public ::testing::TestWithParam<const char*> {
 protected:
  GoldenTranslationTokenizerTest() : directory_(Golden(GetParam())) {}

  std::string directory_;
};

TEST_P(GoldenTranslationTokenizerTest, AgreesOnEveryText) {
  const auto tokenizer = TranslationTokenizer::Load(directory_);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const json cases = ReadJson(directory_ + "/cases.json");
  for (const json& expected : cases.at("tokenize")) {
    SCOPED_TRACE(expected.dump());
    const auto source =
        (*tokenizer)
            ->EncodeSource(expected.at("text").get<std::string>(), LanguagesOf(expected),
                           {.max_length = (*tokenizer)->model_max_length(), .truncate = true});
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ(source->ids, expected.at("input_ids").get<Ids>());
  }
  EXPECT_GE(cases.at("tokenize").size(), 20u);
}

TEST_P(GoldenTranslationTokenizerTest, AgreesOnWhatTheModelsReadAndWrote) {
  const auto tokenizer = TranslationTokenizer::Load(directory_);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const json cases = ReadJson(directory_ + "/cases.json");
  for (const json& expected : cases.at("cases")) {
    SCOPED_TRACE(expected.at("name"));
    if (expected.contains("text")) {
      const auto source =
          (*tokenizer)
              ->EncodeSource(expected.at("text").get<std::string>(), LanguagesOf(expected), {});
      ASSERT_TRUE(source.ok()) << source.status();
      EXPECT_EQ(source->ids, expected.at("input_ids").get<Ids>());
    }
    if (expected.contains("greedy_ids")) {
      EXPECT_EQ((*tokenizer)->DecodeTarget(expected.at("greedy_ids").get<Ids>(), true).value(),
                expected.at("greedy_text"));
    }
    if (expected.contains("beam4")) {
      const json& beam = expected.at("beam4");
      EXPECT_EQ((*tokenizer)->DecodeTarget(beam.at("ids").get<Ids>(), true).value(),
                beam.at("text"));
    }
    if (expected.contains("first_target_token")) {
      EXPECT_EQ((*tokenizer)->FirstTargetToken(LanguagesOf(expected)).value(),
                expected.at("first_target_token").get<int32_t>());
    }
  }
}

std::string TestName(const ::testing::TestParamInfo<const char*>& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, GoldenTranslationTokenizerTest,
                         ::testing::Values("marian-translate", "t5-translate", "flan-t5-translate"),
                         TestName);

// A copy of a golden checkpoint's tokenizer with some files changed.
class ChangedCheckpoint {
 public:
  ChangedCheckpoint(const std::string& golden, std::initializer_list<const char*> files) {
    for (const char* const file : files) {
      std::filesystem::copy(Golden(golden + "/" + file), directory_.path() + "/" + file);
    }
  }
  void Write(const std::string& file, const json& contents) {
    directory_.Write(file, contents.dump());
  }
  absl::StatusOr<std::unique_ptr<TranslationTokenizer>> Load() const {
    return TranslationTokenizer::Load(directory_.path());
  }

 private:
  TemporaryDirectory directory_;
};

json MarianVocab() { return ReadJson(Golden("marian-translate/vocab.json")); }

TEST(MarianTokenizerTest, PutsTheTargetLanguageBeforeTheText) {
  ChangedCheckpoint checkpoint("marian-translate", {"source.spm", "target.spm"});
  json vocab = MarianVocab();
  vocab[">>fr<<"] = vocab.size();
  vocab[">>de<<"] = vocab.size();
  checkpoint.Write("vocab.json", vocab);
  const auto tokenizer = checkpoint.Load();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->target_languages(), (std::vector<std::string>{"fr", "de"}));
  const auto plain = (*tokenizer)->EncodeSource("a cat", {}, {});
  const auto asked = (*tokenizer)->EncodeSource("a cat", {"", "de"}, {});
  const auto written = (*tokenizer)->EncodeSource(">>de<< a cat", {}, {});
  ASSERT_TRUE(plain.ok() && asked.ok() && written.ok());
  Ids expected = {vocab.at(">>de<<").get<int32_t>()};
  expected.insert(expected.end(), plain->ids.begin(), plain->ids.end());
  EXPECT_EQ(asked->ids, expected);
  EXPECT_EQ(written->ids, expected);

  const auto unknown = (*tokenizer)->EncodeSource("a cat", {"", "es"}, {});
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(unknown.status().message(), "target_lang is \"es\", this model has fr, de");
}

TEST(MarianTokenizerTest, OneLanguageIsTheOnlyChoice) {
  const auto tokenizer = TranslationTokenizer::Load(Golden("marian-translate"));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_TRUE((*tokenizer)->EncodeSource("a", {"en", "fr"}, {}).ok());
  EXPECT_EQ((*tokenizer)->EncodeSource("a", {"de", ""}, {}).status().message(),
            "source_lang is \"de\", this model has en");
  EXPECT_EQ((*tokenizer)->FirstTargetToken({"", "fr"}).value(), std::nullopt);
}

TEST(MarianTokenizerTest, ReadsATargetVocabularyOfItsOwn) {
  ChangedCheckpoint checkpoint("marian-translate", {"source.spm", "target.spm", "vocab.json"});
  json target;
  int32_t next = 0;
  for (const char* const token : {"</s>", "<unk>", "\u2581d", "e"}) target[token] = next++;
  checkpoint.Write("target_vocab.json", target);
  checkpoint.Write("tokenizer_config.json", {{"separate_vocabs", true}});
  const auto tokenizer = checkpoint.Load();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->vocab_size(), 4);
  EXPECT_EQ((*tokenizer)->DecodeTarget({2, 3, 2, 0}, true).value(), "de d");
}

TEST(MarianTokenizerTest, SaysWhatIsMissing) {
  ChangedCheckpoint checkpoint("marian-translate", {"source.spm", "target.spm"});
  EXPECT_EQ(checkpoint.Load().status().code(), absl::StatusCode::kNotFound);
  json vocab = MarianVocab();
  vocab.erase("</s>");
  checkpoint.Write("vocab.json", vocab);
  const auto tokenizer = checkpoint.Load();
  EXPECT_EQ(tokenizer.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(tokenizer.status().message().find("vocab.json: does not have the eos_token"),
            absl::string_view::npos)
      << tokenizer.status();
}

TEST(MarianTokenizerTest, CutsOrRefusesWhatIsTooLong) {
  const auto tokenizer = TranslationTokenizer::Load(Golden("marian-translate"));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const auto whole = (*tokenizer)->EncodeSource("I love my cat, but my cat hates me.", {}, {});
  ASSERT_TRUE(whole.ok());
  const auto size = static_cast<int64_t>(whole->ids.size());
  const auto refused =
      (*tokenizer)
          ->EncodeSource("I love my cat, but my cat hates me.", {}, {.max_length = size - 1});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  const auto cut = (*tokenizer)
                       ->EncodeSource("I love my cat, but my cat hates me.", {},
                                      {.max_length = size - 2, .truncate = true});
  ASSERT_TRUE(cut.ok()) << cut.status();
  EXPECT_EQ(cut->truncated_tokens, 2);
  Ids expected(whole->ids.begin(), whole->ids.end() - 3);
  expected.push_back(whole->ids.back());
  EXPECT_EQ(cut->ids, expected);
}

// Of mBART's checkpoints many have nothing but the SentencePiece model.
TEST(LanguageTokenizerTest, IsTheSameFromSentencePiece) {
  for (const char* const golden : {"mbart-translate", "mbart50-translate"}) {
    ChangedCheckpoint checkpoint(
        golden, {"config.json", "tokenizer_config.json", "sentencepiece.bpe.model"});
    const auto tokenizer = checkpoint.Load();
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    const json cases = ReadJson(Golden(std::string(golden) + "/cases.json"));
    for (const json& expected : cases.at("cases")) {
      SCOPED_TRACE(expected.at("name"));
      const auto source =
          (*tokenizer)
              ->EncodeSource(expected.at("text").get<std::string>(), LanguagesOf(expected), {});
      ASSERT_TRUE(source.ok()) << source.status();
      EXPECT_EQ(source->ids, expected.at("input_ids").get<Ids>());
    }
  }
}

TEST(LanguageTokenizerTest, NamesTheLanguagesThereAre) {
  const auto tokenizer = TranslationTokenizer::Load(Golden("nllb-translate"));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->source_languages().size(), 202u);
  const auto wrong = (*tokenizer)->EncodeSource("a", {"en", ""}, {});
  EXPECT_EQ(wrong.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(wrong.status().message().substr(0, 49),
            "source_lang is \"en\", this model has ace_Arab, ace");
}

TEST(PlainTokenizerTest, HasNoLanguages) {
  const auto tokenizer = TranslationTokenizer::Load(Golden("t5-translate"));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->FirstTargetToken({}).value(), std::nullopt);
  EXPECT_EQ((*tokenizer)->EncodeSource("a", {"", "fr"}, {}).status().message(),
            "target_lang is \"fr\", but this model has no choice of languages");
}

}  // namespace
}  // namespace attentiond
