#include "core/generate/generation_config.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using nlohmann::json;
using testing::TemporaryDirectory;

constexpr int32_t kVocabSize = 100;

// What the two files say; without the second when it is null.
absl::StatusOr<GenerationOptions> Load(const json& config, const json& generation) {
  const TemporaryDirectory directory;
  directory.Write("config.json", config.dump());
  if (!generation.is_null()) directory.Write("generation_config.json", generation.dump());
  return LoadGenerationOptions(directory.path(), kVocabSize);
}

const json kTokens = {{"eos_token_id", 2}, {"pad_token_id", 1}, {"decoder_start_token_id", 3}};

absl::StatusOr<GenerationOptions> LoadWith(const json& fields) {
  json generation = kTokens;
  generation.update(fields);
  return Load(json::object(), generation);
}

TEST(LoadGenerationOptionsTest, DefaultsAreTransformers) {
  const auto options = LoadWith(json::object());
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->num_beams, 1);
  EXPECT_EQ(options->max_new_tokens, 20);
  EXPECT_EQ(options->min_new_tokens, 0);
  EXPECT_EQ(options->eos_token_id, std::vector<int32_t>{2});
  EXPECT_EQ(options->pad_token_id, 1);
  EXPECT_EQ(options->decoder_start_token_id, 3);
  EXPECT_FALSE(options->forced_bos_token_id.has_value());
}

TEST(LoadGenerationOptionsTest, ReadsEveryField) {
  const auto options = LoadWith({{"num_beams", 4},
                                 {"num_return_sequences", 2},
                                 {"max_new_tokens", 30},
                                 {"min_new_tokens", 5},
                                 {"length_penalty", 2},
                                 {"early_stopping", "never"},
                                 {"repetition_penalty", 1.5},
                                 {"no_repeat_ngram_size", 3},
                                 {"bad_words_ids", {{1}, {4, 5}}},
                                 {"suppress_tokens", {6, 7}},
                                 {"begin_suppress_tokens", {8}},
                                 {"forced_bos_token_id", 9},
                                 {"forced_eos_token_id", {2, 10}},
                                 {"temperature", 0.5},
                                 {"top_k", 0},
                                 {"top_p", 0.9},
                                 {"eos_token_id", {2, 11}}});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->num_beams, 4);
  EXPECT_EQ(options->num_return_sequences, 2);
  EXPECT_EQ(options->max_new_tokens, 30);
  EXPECT_EQ(options->min_new_tokens, 5);
  EXPECT_EQ(options->length_penalty, 2);
  EXPECT_EQ(options->early_stopping, EarlyStopping::kNever);
  EXPECT_EQ(options->repetition_penalty, 1.5);
  EXPECT_EQ(options->no_repeat_ngram_size, 3);
  EXPECT_EQ(options->bad_words_ids, (std::vector<std::vector<int32_t>>{{1}, {4, 5}}));
  EXPECT_EQ(options->suppress_tokens, (std::vector<int32_t>{6, 7}));
  EXPECT_EQ(options->begin_suppress_tokens, std::vector<int32_t>{8});
  EXPECT_EQ(options->forced_bos_token_id, 9);
  EXPECT_EQ(options->forced_eos_token_id, (std::vector<int32_t>{2, 10}));
  EXPECT_EQ(options->temperature, 0.5);
  EXPECT_EQ(options->top_k, 0);
  EXPECT_EQ(options->top_p, 0.9);
  EXPECT_EQ(options->eos_token_id, (std::vector<int32_t>{2, 11}));
}

TEST(LoadGenerationOptionsTest, LengthsCountTheTokenToStartWith) {
  const auto options = LoadWith({{"max_length", 64}, {"min_length", 10}});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->max_new_tokens, 63);
  EXPECT_EQ(options->min_new_tokens, 9);
  const auto both = LoadWith({{"max_length", 64}, {"max_new_tokens", 7}});
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_EQ(both->max_new_tokens, 7);
}

TEST(LoadGenerationOptionsTest, FallsBackToConfigJson) {
  json config = kTokens;
  config["num_beams"] = 3;
  const auto options = Load(config, nullptr);
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->num_beams, 3);
  EXPECT_EQ(options->decoder_start_token_id, 3);
  // Beside a generation_config.json, only for special tokens: its own, or its decoder's.
  const auto tokens = Load(
      {{"num_beams", 3}, {"decoder", {{"bos_token_id", 7}, {"eos_token_id", 8}}}}, json::object());
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_EQ(tokens->num_beams, 1);
  EXPECT_EQ(tokens->decoder_start_token_id, 7);
  EXPECT_EQ(tokens->pad_token_id, 8);
}

TEST(LoadGenerationOptionsTest, LeavesHarmlessKeysAlone) {
  EXPECT_TRUE(LoadWith({{"use_cache", true},
                        {"transformers_version", "5"},
                        {"typical_p", 1.0},
                        {"num_beam_groups", 1},
                        {"penalty_alpha", nullptr},
                        {"forced_bos_token_id", nullptr},
                        {"diversity_penalty", 0.0}})
                  .ok());
}

TEST(LoadGenerationOptionsTest, NamesWhatIsNotSupported) {
  for (const json& field :
       {json{{"num_beam_groups", 2}}, json{{"penalty_alpha", 0.6}}, json{{"constraints", {1}}},
        json{{"diversity_penalty", 0.5}}, json{{"encoder_no_repeat_ngram_size", 3}},
        json{{"prompt_lookup_num_tokens", 2}}, json{{"sequence_bias", {{{5}, 1.0}}}}}) {
    const auto options = LoadWith(field);
    EXPECT_EQ(options.status().code(), absl::StatusCode::kUnimplemented) << field;
    EXPECT_NE(options.status().message().find("generation_config.json: \"" + field.begin().key()),
              absl::string_view::npos)
        << options.status();
  }
  EXPECT_EQ(LoadWith({{"do_sample", true}, {"num_beams", 2}}).status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST(LoadGenerationOptionsTest, NamesWhatIsWrong) {
  for (const json& field :
       {json{{"num_beams", 0}}, json{{"num_beams", 17}}, json{{"num_beams", "4"}},
        json{{"max_length", 1}}, json{{"eos_token_id", 100}}, json{{"eos_token_id", "</s>"}},
        json{{"bad_words_ids", {{}}}}, json{{"bad_words_ids", 3}}, json{{"top_p", 0}},
        json{{"early_stopping", "always"}}, json{{"pad_token_id", -1}},
        json{{"suppress_tokens", {-1}}}}) {
    const auto options = LoadWith(field);
    EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument) << field;
    EXPECT_NE(options.status().message().find("generation_config.json: "), absl::string_view::npos)
        << options.status();
  }
  EXPECT_EQ(Load(json::object(), json::object()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(GenerationOptionTest, RequestsSetAllButTheCheckpointsIds) {
  GenerationOptions options;
  EXPECT_TRUE(IsGenerationOption("no_repeat_ngram_size"));
  EXPECT_FALSE(IsGenerationOption("eos_token_id"));
  EXPECT_FALSE(IsGenerationOption("max_length"));
  EXPECT_TRUE(SetGenerationOption("seed", uint64_t{1} << 63, &options).ok());
  EXPECT_EQ(options.seed, uint64_t{1} << 63);
  EXPECT_TRUE(SetGenerationOption("early_stopping", true, &options).ok());
  EXPECT_EQ(options.early_stopping, EarlyStopping::kAtOnce);
  EXPECT_EQ(SetGenerationOption("num_beams", 1.5, &options).message(),
            "num_beams is \"1.5\", an integer is required");
}

TEST(CheckGenerationOptionsTest, FieldsMustGoTogether) {
  GenerationOptions options;
  options.do_sample = true;
  options.num_return_sequences = 16;
  EXPECT_TRUE(CheckGenerationOptions(options, kVocabSize).ok());
  options.num_beams = 2;
  EXPECT_EQ(CheckGenerationOptions(options, kVocabSize).message(),
            "do_sample is true and num_beams 2: sampling requires num_beams 1");
  options.do_sample = false;
  EXPECT_EQ(CheckGenerationOptions(options, kVocabSize).message(),
            "num_return_sequences is 16, 1 to 2 is required");
  options.num_return_sequences = 2;
  options.min_new_tokens = 21;
  EXPECT_EQ(CheckGenerationOptions(options, kVocabSize).message(),
            "min_new_tokens is 21, 0 to 20 is required");
}

}  // namespace
}  // namespace attentiond
