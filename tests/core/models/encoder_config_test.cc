#include "core/models/encoder_config.h"

#include <gtest/gtest.h>

#include <limits>

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
