#include "core/models/encoder_config.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/weights/json_file.h"
#include "tests/testing/random_encoder.h"

namespace attentiond {
namespace {

using ::attentiond::testing::EncoderConfigJson;
using nlohmann::json;

const EncoderFamily& Bert() { return *FindEncoderFamily("bert"); }
const EncoderFamily& DistilBert() { return *FindEncoderFamily("distilbert"); }

json GoodConfig(const EncoderFamily& family) { return EncoderConfigJson(family, {}, true); }

TEST(EncoderConfigTest, ReadsEveryKeyOfBert) {
  json config = GoodConfig(Bert());
  config["hidden_act"] = "gelu_new";
  config["layer_norm_eps"] = 1e-6;
  config["problem_type"] = "multi_label_classification";
  const auto parsed = ParseEncoderConfig(Bert(), config);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->family, &Bert());
  EXPECT_EQ(parsed->hidden_size, 24);
  EXPECT_EQ(parsed->num_layers, 2);
  EXPECT_EQ(parsed->num_heads, 3);
  EXPECT_EQ(parsed->head_dim(), 8);
  EXPECT_EQ(parsed->intermediate_size, 40);
  EXPECT_EQ(parsed->vocab_size, 50);
  EXPECT_EQ(parsed->max_positions, 20);
  EXPECT_EQ(parsed->type_vocab_size, 2);
  EXPECT_EQ(parsed->activation, Activation::kGeluTanh);
  EXPECT_FLOAT_EQ(parsed->layer_norm_eps, 1e-6f);
  EXPECT_EQ(parsed->task, EncoderTask::kSequenceClassification);
  EXPECT_EQ(parsed->labels.labels.size(), 3u);
  EXPECT_EQ(parsed->labels.score_function, ScoreFunction::kSigmoid);
}

TEST(EncoderConfigTest, ReadsTheNamesOfDistilBert) {
  json config = GoodConfig(DistilBert());
  config["activation"] = "relu";
  config["sinusoidal_pos_embds"] = true;  // the table is in the weights all the same
  const auto parsed = ParseEncoderConfig(DistilBert(), config);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->hidden_size, 24);
  EXPECT_EQ(parsed->num_layers, 2);
  EXPECT_EQ(parsed->num_heads, 3);
  EXPECT_EQ(parsed->intermediate_size, 40);
  EXPECT_EQ(parsed->type_vocab_size, 0);
  EXPECT_EQ(parsed->activation, Activation::kRelu);
  EXPECT_FLOAT_EQ(parsed->layer_norm_eps, 1e-12f);
}

TEST(EncoderConfigTest, TakesTransformersDefaults) {
  json config = GoodConfig(Bert());
  config.erase("hidden_act");
  config.erase("layer_norm_eps");
  config["position_embedding_type"] = nullptr;
  config["pruned_heads"] = json::object();
  const auto parsed = ParseEncoderConfig(Bert(), config);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(parsed->activation, Activation::kGeluErf);
  EXPECT_FLOAT_EQ(parsed->layer_norm_eps, 1e-12f);
}

json GoldenConfig(const std::string& name) {
  auto config = ReadJsonFile(ATTENTIOND_SOURCE_DIR "/tests/golden/" + name + "/config.json");
  EXPECT_TRUE(config.ok()) << config.status();
  return *std::move(config);
}

absl::StatusOr<EncoderConfig> ParseGolden(const json& config) {
  return ParseEncoderConfig(*FindEncoderFamily(config.at("model_type").get<std::string>()), config);
}

TEST(EncoderConfigTest, CountsPositionsFromThePaddingId) {
  json config = GoldenConfig("camembert-classify");
  EXPECT_EQ(ParseGolden(config)->max_tokens(), 128);
  EXPECT_EQ(ParseGolden(config)->positions.first, 2);
  EXPECT_EQ(ParseGolden(config)->positions.padding_id, 1);
  config["pad_token_id"] = 5;
  EXPECT_EQ(ParseGolden(config)->max_tokens(), 124);
  config.erase("pad_token_id");
  EXPECT_EQ(ParseGolden(config)->positions.first, 2);
  config["pad_token_id"] = 129;
  EXPECT_EQ(
      ParseGolden(config).status(),
      absl::InvalidArgumentError(R"(config.json: "pad_token_id" is 129, 0 to 128 is required)"));
  EXPECT_EQ(ParseGolden(GoldenConfig("bert-embed"))->positions.padding_id, std::nullopt);
}

TEST(EncoderConfigTest, ReadsTheGroupsOfAlbert) {
  json config = GoldenConfig("albert-classify");
  EXPECT_EQ(ParseGolden(config)->num_layers, 6);
  EXPECT_EQ(ParseGolden(config)->num_groups, 2);
  EXPECT_EQ(ParseGolden(config)->embedding_size, 16);
  config["num_hidden_groups"] = 4;
  EXPECT_EQ(
      ParseGolden(config).status(),
      absl::InvalidArgumentError(R"(config.json: "num_hidden_groups" is 4, 1 to 3 is required)"));
}

struct GoldenMutation {
  const char* folder;
  const char* key;
  json value;
  std::string message;
  absl::StatusCode code = absl::StatusCode::kUnimplemented;
};

TEST(EncoderConfigTest, NamesTheOptionsOfOtherFamiliesThatItDoesNotKnow) {
  const GoldenMutation mutations[] = {
      {"deberta-v3-tokens", "pos_att_type", "c2p|p2p",
       R"("pos_att_type" "p2p" is not supported, only "c2p" and "p2c")"},
      {"deberta-v3-tokens", "norm_rel_ebd", "rms_norm",
       R"("norm_rel_ebd" "rms_norm" is not supported, only "layer_norm")"},
      {"deberta-v3-tokens", "conv_kernel_size", 5,
       R"("conv_kernel_size" 5 is not supported, only 3)"},
      {"deberta-v2-classify", "conv_groups", 2, R"("conv_groups" 2 is not supported, only 1)"},
      {"deberta-v2-classify", "conv_act", "snake",
       R"("conv_act": activation "snake" is not supported; known are gelu, gelu_new, gelu_fast, )"
       "gelu_pytorch_tanh, relu, silu, swish, tanh, gelu_python, linear"},
      {"deberta-v3-tokens", "attention_head_size", 7,
       R"("attention_head_size" 7 is not supported, only 12)"},
      {"deberta-v3-tokens", "position_buckets", 1,
       R"("position_buckets" is 1 with relative positions up to 128, 2 to 65536 are required, )"
       "and at most twice as many as positions",
       absl::StatusCode::kInvalidArgument},
      {"deberta-v3-tokens", "pos_att_type", json::array({7}),
       R"("pos_att_type" must be an array of names or a string)",
       absl::StatusCode::kInvalidArgument},
      {"modernbert-classify", "classifier_pooling", "max",
       R"("classifier_pooling" "max" is not supported, only "cls" and "mean")"},
      {"modernbert-classify", "layer_types", json::array({"full_attention"}),
       R"("layer_types" must be an array of "num_hidden_layers" 4 names)",
       absl::StatusCode::kInvalidArgument},
      {"modernbert-classify", "layer_types", json::array({"full_attention", 1, 2, 3}),
       R"("layer_types": "1" is not supported, only "full_attention" and "sliding_attention")"},
      {"modernbert-classify", "rope_parameters", json{{"full_attention", {{"rope_type", "yarn"}}}},
       R"("rope_parameters": "rope_type" "yarn" is not supported, only "default")"},
      {"modernbert-classify", "rope_scaling", json{{"factor", 2}},
       R"("rope_scaling" is not supported)"},
      {"modernbert-classify", "local_attention", 1,
       R"("local_attention" is 1, at least 2 is required)", absl::StatusCode::kInvalidArgument},
      {"modernbert-classify", "num_attention_heads", 16,
       R"("hidden_size" of a head is 3, an even number is required)",
       absl::StatusCode::kInvalidArgument},
      {"mpnet-embed", "relative_attention_num_buckets", 16,
       R"("relative_attention_num_buckets" is 16, at least 32 is required)",
       absl::StatusCode::kInvalidArgument},
  };
  for (const auto& [folder, key, value, message, code] : mutations) {
    json config = GoldenConfig(folder);
    config[key] = value;
    EXPECT_EQ(ParseGolden(config).status(), absl::Status(code, "config.json: " + message)) << key;
  }
}

// As the checkpoints have it that were published first.
TEST(EncoderConfigTest, ReadsTheOldKeysOfModernBert) {
  json config = GoldenConfig("modernbert-classify");
  config.erase("layer_types");
  config.erase("rope_parameters");
  config["global_attn_every_n_layers"] = 2;
  config["global_rope_theta"] = 5000.0;
  config["local_rope_theta"] = 20.0;
  const auto parsed = ParseGolden(config);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  ASSERT_EQ(parsed->rotary->layers.size(), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(parsed->rotary->layers[i].theta, i % 2 == 0 ? 5000.0 : 20.0) << i;
    EXPECT_EQ(parsed->rotary->layers[i].window, i % 2 == 0 ? 0 : 8) << i;
  }
}

TEST(EncoderConfigTest, ServesPretrainedModelsAsTheirEncoder) {
  for (const char* head : {"Model", "ForMaskedLM", "ForPreTraining"}) {
    json config = GoodConfig(Bert());
    config["architectures"] = {std::string("Bert") + head};
    config["num_labels"] = -1;  // of no interest to an encoder alone
    const auto parsed = ParseEncoderConfig(Bert(), config);
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(parsed->task, EncoderTask::kEmbedding) << head;
    EXPECT_TRUE(parsed->labels.labels.empty());
  }
}

struct Mutation {
  const char* key;
  json value;  // discarded: the key is erased
  std::string message;
  absl::StatusCode code = absl::StatusCode::kInvalidArgument;
};

json Erased() { return json(json::value_t::discarded); }

void ExpectRefused(const EncoderFamily& family, const std::vector<Mutation>& mutations) {
  for (const Mutation& mutation : mutations) {
    json config = GoodConfig(family);
    if (mutation.value.is_discarded()) {
      config.erase(mutation.key);
    } else {
      config[mutation.key] = mutation.value;
    }
    EXPECT_EQ(ParseEncoderConfig(family, config).status(),
              absl::Status(mutation.code, "config.json: " + mutation.message))
        << mutation.key << " " << mutation.value;
  }
}

TEST(EncoderConfigTest, RefusesSizesOutOfRange) {
  const json huge = std::numeric_limits<uint64_t>::max();
  ExpectRefused(
      Bert(),
      {{"hidden_size", Erased(), R"("hidden_size" is missing, 1 to 131072 is required)"},
       {"hidden_size", nullptr, R"("hidden_size" is missing, 1 to 131072 is required)"},
       {"hidden_size", 0, R"("hidden_size" is 0, 1 to 131072 is required)"},
       {"hidden_size", -24, R"("hidden_size" is -24, 1 to 131072 is required)"},
       {"hidden_size", 25,
        R"("hidden_size" is 25, a multiple of "num_attention_heads" 3 is required)"},
       {"hidden_size", "24", R"("hidden_size" is "24", an integer is required)"},
       {"hidden_size", 24.5, R"("hidden_size" is 24.5, an integer is required)"},
       {"hidden_size", huge,
        R"("hidden_size" is 18446744073709551615, an integer below 2^63 is required)"},
       {"num_attention_heads", 0, R"("num_attention_heads" is 0, 1 to 1024 is required)"},
       {"num_attention_heads", 5,
        R"("hidden_size" is 24, a multiple of "num_attention_heads" 5 is required)"},
       {"num_hidden_layers", 1025, R"("num_hidden_layers" is 1025, 1 to 1024 is required)"},
       {"intermediate_size", 131073, R"("intermediate_size" is 131073, 1 to 131072 is required)"},
       {"vocab_size", 1 << 25, R"("vocab_size" is 33554432, 1 to 16777216 is required)"},
       {"max_position_embeddings", json::array({128}),
        R"("max_position_embeddings" is an array, an integer is required)"},
       {"type_vocab_size", 0, R"("type_vocab_size" is 0, 1 to 65536 is required)"}});
  ExpectRefused(DistilBert(),
                {{"dim", 0, R"("dim" is 0, 1 to 131072 is required)"},
                 {"dim", 26, R"("dim" is 26, a multiple of "n_heads" 3 is required)"},
                 {"n_layers", Erased(), R"("n_layers" is missing, 1 to 1024 is required)"},
                 {"hidden_dim", -1, R"("hidden_dim" is -1, 1 to 131072 is required)"}});
}

TEST(EncoderConfigTest, RefusesNumbersThatAreNoEpsilon) {
  ExpectRefused(
      Bert(),
      {{"layer_norm_eps", 0, R"("layer_norm_eps" is 0, more than 0 and at most 1 is required)"},
       {"layer_norm_eps", -1e-5,
        R"("layer_norm_eps" is -1e-05, more than 0 and at most 1 is required)"},
       {"layer_norm_eps", 2, R"("layer_norm_eps" is 2, more than 0 and at most 1 is required)"},
       {"layer_norm_eps", std::numeric_limits<double>::quiet_NaN(),
        R"("layer_norm_eps" is nan, more than 0 and at most 1 is required)"},
       {"layer_norm_eps", "small", R"("layer_norm_eps" is "small", a number is required)"}});
}

TEST(EncoderConfigTest, RefusesWhatItDoesNotCompute) {
  const auto unimplemented = absl::StatusCode::kUnimplemented;
  ExpectRefused(
      Bert(),
      {{"is_decoder", true, R"("is_decoder" is true, which is not supported, only false)",
        unimplemented},
       {"add_cross_attention", true,
        R"("add_cross_attention" is true, which is not supported, only false)", unimplemented},
       {"is_decoder", 1, R"("is_decoder" is 1, true or false is required)"},
       {"position_embedding_type", "relative_key",
        R"("position_embedding_type" "relative_key" is not supported, only "absolute")",
        unimplemented},
       {"quantization_config", json{{"quant_method", "bitsandbytes"}},
        R"("quantization_config" is not supported)", unimplemented},
       {"pruned_heads", json{{"1", {0, 2}}}, R"("pruned_heads" is not supported)", unimplemented},
       {"architectures", json::array({"BertForQuestionAnswering"}),
        R"("architectures" "BertForQuestionAnswering" is not supported (supported: )"
        "BertForSequenceClassification, BertForTokenClassification, BertModel, BertForMaskedLM, "
        "BertForPreTraining)",
        unimplemented},
       {"architectures", json::array({"DistilBertModel"}),
        R"("architectures" "DistilBertModel" is not supported (supported: )"
        "BertForSequenceClassification, BertForTokenClassification, BertModel, BertForMaskedLM, "
        "BertForPreTraining)",
        unimplemented}});
}

TEST(EncoderConfigTest, RefusesArchitecturesThatNameNoClass) {
  const std::string message = R"("architectures" must be an array with a class name, such as )"
                              R"(["BertForSequenceClassification"])";
  ExpectRefused(Bert(), {{"architectures", Erased(), message},
                         {"architectures", json::array(), message},
                         {"architectures", json::array({7}), message},
                         {"architectures", "BertModel", message}});
}

TEST(EncoderConfigTest, NamesTheActivationThatItDoesNotKnow) {
  json config = GoodConfig(Bert());
  config["hidden_act"] = "gelu_of_the_future";
  const absl::Status status = ParseEncoderConfig(Bert(), config).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(status.message().find("config.json: \"hidden_act\""), absl::string_view::npos);
  EXPECT_NE(status.message().find("gelu_of_the_future"), absl::string_view::npos);
}

TEST(EncoderConfigTest, ForwardsTheErrorsOfTheLabels) {
  ExpectRefused(Bert(), {{"num_labels", 0, R"("num_labels" is 0, 1 to 65536 is required)"}});
}

}  // namespace
}  // namespace attentiond
