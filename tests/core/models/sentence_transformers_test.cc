#include "core/models/sentence_transformers.h"

#include <gtest/gtest.h>

#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using ::attentiond::testing::TemporaryDirectory;

constexpr int64_t kHiddenSize = 48;

TEST(SentenceTransformersTest, DefaultsToTheMeanWithoutFiles) {
  const TemporaryDirectory directory;
  const auto config = ReadSentenceTransformersConfig(directory.path(), kHiddenSize);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->pooling, Pooling::kMean);
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
  EXPECT_EQ(config->pooling, Pooling::kCls);
  EXPECT_EQ(config->max_length, 32);
  directory.Write("1_Pooling/config.json", R"({"pooling_mode_mean_tokens": true})");
  EXPECT_EQ(ReadSentenceTransformersConfig(directory.path(), kHiddenSize)->pooling, Pooling::kMean);
}

TEST(SentenceTransformersTest, RefusesOtherEmbeddings) {
  const struct {
    const char* file;
    const char* content;
    absl::StatusCode code;
    const char* message;
  } cases[] = {
      {"1_Pooling/config.json", R"({"pooling_mode_max_tokens": true})",
       absl::StatusCode::kUnimplemented,
       R"("pooling_mode_max_tokens" is not supported, only one of pooling_mode_mean_tokens and )"
       "pooling_mode_cls_token"},
      {"1_Pooling/config.json",
       R"({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true})",
       absl::StatusCode::kUnimplemented,
       R"("pooling_mode_mean_tokens" with pooling_mode_cls_token is not supported, only one of )"
       "pooling_mode_mean_tokens and pooling_mode_cls_token"},
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
    directory.Write(file, content);
    EXPECT_EQ(ReadSentenceTransformersConfig(directory.path(), kHiddenSize).status(),
              absl::Status(code, directory.PathOf(file) + ": " + message));
  }
}

TEST(SentenceTransformersTest, RefusesALayerBehindThePooling) {
  const TemporaryDirectory directory;
  directory.Write("2_Dense/config.json", "{}");
  EXPECT_EQ(ReadSentenceTransformersConfig(directory.path(), kHiddenSize).status(),
            absl::UnimplementedError(directory.PathOf("2_Dense") +
                                     ": a sentence-transformers Dense module is not supported"));
}

}  // namespace
}  // namespace attentiond
