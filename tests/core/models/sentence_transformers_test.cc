#include "core/models/sentence_transformers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using ::attentiond::testing::TemporaryDirectory;
using ::testing::ElementsAre;

constexpr int64_t kHiddenSize = 48;

TEST(SentenceTransformersTest, DefaultsToTheMeanWithoutFiles) {
  const TemporaryDirectory directory;
  const auto config = ReadSentenceTransformersConfig(directory.path(), kHiddenSize);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->pooling, ElementsAre(PoolingMode::kMean));
  EXPECT_EQ(config->max_length, 0);
}

TEST(SentenceTransformersTest, ReadsPoolingAndLength) {
  const TemporaryDirectory directory;
  directory.Write("1_Pooling/config.json",
                  R"({"word_embedding_dimension": 48, "pooling_mode_cls_token": true,
                      "pooling_mode_mean_tokens": false, "pooling_mode_max_tokens": false})");
  directory.Write("sentence_bert_config.json", R"({"max_seq_length": 32, "do_lower_case": false})");
  const auto config = ReadSentenceTransformersConfig(directory.path(), kHiddenSize);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->pooling, ElementsAre(PoolingMode::kCls));
  EXPECT_EQ(config->max_length, 32);
  directory.Write("1_Pooling/config.json", R"({"pooling_mode_mean_tokens": true})");
  EXPECT_THAT(ReadSentenceTransformersConfig(directory.path(), kHiddenSize)->pooling,
              ElementsAre(PoolingMode::kMean));
}

TEST(SentenceTransformersTest, RefusesOtherEmbeddings) {
  const struct {
    const char* file;
    const char* content;
    absl::StatusCode code;
    const char* message;
  } cases[] = {
      {"1_Pooling/config.json", R"({"pooling_mode_attention": true})",
       absl::StatusCode::kUnimplemented, R"("pooling_mode_attention" is not supported)"},
      {"1_Pooling/config.json", R"({"pooling_mode": "attention"})",
       absl::StatusCode::kUnimplemented, R"("pooling_mode" "attention" is not supported)"},
      {"sentence_bert_config.json", R"({"do_lower_case": true})", absl::StatusCode::kUnimplemented,
       R"("do_lower_case" is true, which is not supported, only false; the tokenizer's own )"
       "normalizer may lower the case"},
      {"config_sentence_transformers.json", R"({"prompts": {"query": 3}})",
       absl::StatusCode::kInvalidArgument, R"(prompt "query" is not a string)"},
      {"config_sentence_transformers.json",
       R"({"prompts": {"query": "q: "}, "default_prompt_name": "passage"})",
       absl::StatusCode::kInvalidArgument,
       R"("default_prompt_name" is "passage", one of "prompts" is required)"},
      {"modules.json", "{}", absl::StatusCode::kInvalidArgument,
       "the root is an object, an array is required"},
      {"modules.json", R"([{"type": "sentence_transformers.models.LSTM", "path": "1_LSTM"}])",
       absl::StatusCode::kUnimplemented,
       R"(a sentence-transformers module of type "LSTM" is not supported (supported: )"
       "Transformer, Pooling, Dense, Normalize)"},
      {"modules.json", R"([{"type": "sentence_transformers.models.Pooling", "path": "../x"}])",
       absl::StatusCode::kInvalidArgument, R"("../x" is no folder below the model's)"},
      {"2_Dense/config.json", R"({"in_features": 64, "out_features": 8})",
       absl::StatusCode::kInvalidArgument,
       R"("in_features" is 64, the size of what is before it 48 is required)"},
      {"2_Dense/config.json", R"({"out_features": 0})", absl::StatusCode::kInvalidArgument,
       R"("out_features" is 0, 1 to 131072 is required)"},
      {"2_Dense/config.json", R"({"out_features": 8, "activation_function": "torch.X"})",
       absl::StatusCode::kUnimplemented, R"("activation_function" "torch.X" is not supported)"},
      {"1_Pooling/config.json", R"({"word_embedding_dimension": 64})",
       absl::StatusCode::kInvalidArgument,
       R"("word_embedding_dimension" is 64, the encoder's hidden size 48 is required)"},
      {"1_Pooling/config.json", "[]", absl::StatusCode::kInvalidArgument,
       "the root is an array, an object is required"},
      {"sentence_bert_config.json", R"({"max_seq_length": -1})", absl::StatusCode::kInvalidArgument,
       R"("max_seq_length" is -1, a positive number is required)"},
      {"sentence_bert_config.json", R"({"max_seq_length": "32"})",
       absl::StatusCode::kInvalidArgument, R"("max_seq_length" is "32", an integer is required)"},
  };
  for (const auto& [file, content, code, message] : cases) {
    const TemporaryDirectory directory;
    directory.Write("1_Pooling/config.json", "{}");
    directory.Write(file, content);
    EXPECT_EQ(ReadSentenceTransformersConfig(directory.path(), kHiddenSize).status(),
              absl::Status(code, directory.PathOf(file) + ": " + message));
  }
}

TEST(SentenceTransformersTest, ReadsSeveralPoolingsInTheLibrarysOrder) {
  const TemporaryDirectory directory;
  directory.Write("1_Pooling/config.json",
                  R"({"pooling_mode_lasttoken": true, "pooling_mode_max_tokens": true,
                      "pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true,
                      "pooling_mode_weightedmean_tokens": true,
                      "pooling_mode_mean_sqrt_len_tokens": true})");
  EXPECT_THAT(
      ReadSentenceTransformersConfig(directory.path(), kHiddenSize)->pooling,
      ElementsAre(PoolingMode::kCls, PoolingMode::kMax, PoolingMode::kMean,
                  PoolingMode::kMeanSqrtLength, PoolingMode::kWeightedMean, PoolingMode::kLast));
  directory.Write("1_Pooling/config.json", R"({"pooling_mode": "lasttoken"})");
  EXPECT_THAT(ReadSentenceTransformersConfig(directory.path(), kHiddenSize)->pooling,
              ElementsAre(PoolingMode::kLast));
}

TEST(SentenceTransformersTest, ReadsTheModulesInTheirOrder) {
  const TemporaryDirectory directory;
  directory.Write("modules.json", R"([
      {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
      {"idx": 1, "name": "1", "path": "P", "type": "sentence_transformers.models.Pooling"},
      {"idx": 2, "name": "2", "path": "D", "type": "sentence_transformers.models.Dense"},
      {"idx": 3, "name": "3", "path": "N", "type": "sentence_transformers.models.Normalize"}])");
  directory.Write("P/config.json",
                  R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true})");
  directory.Write("D/config.json",
                  R"({"in_features": 96, "out_features": 8, "bias": false,
                      "activation_function": "torch.nn.modules.linear.Identity"})");
  directory.Write("config_sentence_transformers.json",
                  R"({"prompts": {"query": "query: ", "passage": "passage: "},
                      "default_prompt_name": "query"})");
  const auto config = ReadSentenceTransformersConfig(directory.path(), kHiddenSize);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->pooling.size(), 2u);
  ASSERT_EQ(config->dense.size(), 1u);
  EXPECT_EQ(config->dense[0].path, directory.PathOf("D"));
  EXPECT_EQ(config->dense[0].inputs, 96);
  EXPECT_EQ(config->dense[0].outputs, 8);
  EXPECT_FALSE(config->dense[0].has_bias);
  EXPECT_EQ(config->dense[0].activation, Activation::kNone);
  EXPECT_EQ(config->prompts.at("passage"), "passage: ");
  EXPECT_EQ(config->default_prompt, "query");
}

}  // namespace
}  // namespace attentiond
