#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "core/engine/model.h"
#include "core/models/encoder_family.h"
#include "tests/testing/expect_near.h"
#include "tests/testing/golden_model.h"
#include "tests/testing/random_encoder.h"

namespace attentiond {
namespace {

using ::attentiond::testing::CheckpointBuilder;
using ::attentiond::testing::ExpectNear;
using ::attentiond::testing::GoldenModel;
using ::attentiond::testing::RandomEncoder;
using ::attentiond::testing::TemporaryDirectory;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const EncoderFamily& Bert() { return *FindEncoderFamily("bert"); }

absl::StatusOr<std::shared_ptr<const Model>> Load(const CheckpointBuilder& builder) {
  const TemporaryDirectory directory;
  builder.WriteTo(directory);
  return LoadModel(directory.path(), {});
}

// A copy of a golden model's directory that a test may change.
void CopyGolden(const std::string& name, const TemporaryDirectory& directory) {
  std::filesystem::copy(
      ATTENTIOND_SOURCE_DIR "/tests/golden/" + name, directory.path(),
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
}

TEST(LoadModelTest, DescribesAClassifier) {
  const auto model = LoadModel(GoldenModel("bert-classify").directory(), {});
  ASSERT_TRUE(model.ok()) << model.status();
  const ModelInfo& info = (*model)->info();
  EXPECT_EQ(info.kind, ModelKind::kSequenceClassification);
  EXPECT_EQ(info.architecture, "bert");
  EXPECT_EQ(info.compute, DType::kF32);
  EXPECT_EQ(info.hidden_size, 64);
  EXPECT_EQ(info.num_layers, 3);
  EXPECT_EQ(info.num_heads, 4);
  EXPECT_EQ(info.max_length, 128);
  EXPECT_EQ(info.vocab_size, 1200);
  EXPECT_EQ(info.type_vocab_size, 2);
  EXPECT_THAT(info.labels, ElementsAre("NEGATIVE", "POSITIVE"));
  EXPECT_EQ(info.score_function, ScoreFunction::kSoftmax);
  EXPECT_EQ(info.tokenizer, "tokenizer.json");
  // 188,544 weights of 4 bytes, in blocks that may be padded.
  EXPECT_GE(info.weight_bytes, 4u * 188'544);
  EXPECT_LE(info.weight_bytes, 8u * 188'544);
  EXPECT_NE((*model)->AsTextEncoder(), nullptr);
  EXPECT_EQ((*model)->AsAttentionLayer(), nullptr);
}

TEST(LoadModelTest, DescribesAnEmbedder) {
  const auto model = LoadModel(GoldenModel("bert-embed").directory(), {});
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ((*model)->info().kind, ModelKind::kEmbedding);
  EXPECT_THAT((*model)->info().labels, IsEmpty());
}

TEST(LoadModelTest, DescribesAnAttentionLayer) {
  const auto model = LoadModel(GoldenModel("mha-1").directory(), {});
  ASSERT_TRUE(model.ok()) << model.status();
  const ModelInfo& info = (*model)->info();
  EXPECT_EQ(info.kind, ModelKind::kAttentionLayer);
  EXPECT_EQ(info.architecture, "multihead_attention");
  EXPECT_EQ(info.hidden_size, 48);
  EXPECT_EQ(info.num_heads, 3);
  EXPECT_EQ(info.num_layers, 1);
  EXPECT_EQ(info.key_size, 24);
  EXPECT_EQ(info.value_size, 40);
  EXPECT_GE(info.weight_bytes, 4u * (48 * 48 * 2 + 48 * 24 + 48 * 40));
  EXPECT_EQ((*model)->AsTextEncoder(), nullptr);
  EXPECT_NE((*model)->AsAttentionLayer(), nullptr);
}

TEST(LoadModelTest, RunsAnAttentionLayer) {
  const GoldenModel golden("mha-0");
  const auto model = LoadModel(golden.directory(), {});
  ASSERT_TRUE(model.ok()) << model.status();
  const json& golden_case = golden.cases().at(0);
  ThreadPool threads(2);
  ExecutionContext context(&threads);
  AttentionLayerCall call{.batch = 1, .query_length = 5, .kv_length = 5, .kv_lengths = {}};
  call.query = golden.array(golden_case, "query").data();
  std::vector<float> output(5 * 32);
  call.output = output.data();
  const absl::Status status = (*model)->AsAttentionLayer()->Run(call, context);
  ASSERT_TRUE(status.ok()) << status;
  ExpectNear(output, golden.array(golden_case, "out"), golden.tolerance(), "out");
}

// The demo checkpoint is stored in bf16; DEMO.json has what transformers said of it in f32.
TEST(LoadModelTest, TheDemoModelSaysWhatItsDescriptionSays) {
  const std::string directory = ATTENTIOND_SOURCE_DIR "/models/demo-sentiment";
  const auto demo = ReadJsonFile(directory + "/DEMO.json");
  ASSERT_TRUE(demo.ok()) << demo.status();
  ThreadPool threads(2);
  ExecutionContext context(&threads);
  for (const auto precision : {LoadOptions::Precision::kAuto, LoadOptions::Precision::kF32}) {
    const auto model = LoadModel(directory, {.precision = precision});
    ASSERT_TRUE(model.ok()) << model.status();
    const bool bf16 = precision == LoadOptions::Precision::kAuto && DescribePlatform().has_bf16;
    EXPECT_EQ((*model)->info().compute, bf16 ? DType::kBF16 : DType::kF32);
    const TextEncoder& encoder = *(*model)->AsTextEncoder();
    for (const json& sample : demo->at("samples")) {
      const auto text = sample.at("text").get<std::string>();
      const auto encoding = encoder.tokenizer()->Encode(text, std::nullopt, {});
      ASSERT_TRUE(encoding.ok()) << encoding.status();
      EncoderRow row;
      row.ids = encoding->ids;
      row.want_logits = true;
      std::vector<EncoderRowResult> results;
      ASSERT_TRUE(encoder.Run({&row, 1}, context, &results).ok());
      ApplyScoreFunction((*model)->info().score_function, absl::MakeSpan(results[0].logits));
      // DEMO.json has four decimals at most of probabilities that lie at the ends, where the
      // logistic function is flat: a rounding of the logits moves them by far less.
      EXPECT_NEAR(results[0].logits[1], sample.at("POSITIVE").get<float>(), 0.01) << text;
    }
  }
}

TEST(LoadModelTest, SaysWhatItSupports) {
  CheckpointBuilder builder = RandomEncoder(Bert(), {}, false);
  builder.config["model_type"] = "gpt2";
  EXPECT_EQ(
      Load(builder).status(),
      absl::UnimplementedError("config.json: model_type \"gpt2\" is not supported "
                               "(supported: bert, distilbert, roberta, xlm-roberta, camembert, "
                               "electra, albert, mpnet, deberta-v2, modernbert, "
                               "vision-encoder-decoder, blip, marian, bart, mbart, m2m_100, t5, "
                               "mt5, vit, deit, "
                               "multihead_attention)"));
  builder.config.erase("model_type");
  EXPECT_EQ(
      Load(builder).status(),
      absl::UnimplementedError("config.json: model_type \"\" is not supported "
                               "(supported: bert, distilbert, roberta, xlm-roberta, camembert, "
                               "electra, albert, mpnet, deberta-v2, modernbert, "
                               "vision-encoder-decoder, blip, marian, bart, mbart, m2m_100, t5, "
                               "mt5, vit, deit, "
                               "multihead_attention)"));
  builder.config["model_type"] = 7;
  EXPECT_EQ(Load(builder).status(),
            absl::InvalidArgumentError("config.json: \"model_type\" is 7, a string is required"));
}

TEST(LoadModelTest, ReportsAMissingDirectory) {
  EXPECT_EQ(LoadModel("/no/such/model", {}).status(),
            absl::NotFoundError("/no/such/model: no such directory"));
}

// What does not fit the weights, one mutation of config.json each.
TEST(LoadModelTest, RefusesConfigsThatContradictTheWeights) {
  const struct {
    const char* key;
    json value;
    const char* message;
  } cases[] = {
      {"hidden_size", 27,
       R"(tensor "bert.embeddings.word_embeddings.weight" [50, 27] is required)"},
      {"num_hidden_layers", 3,
       R"(tensor "bert.encoder.layer.2.attention.self.query.weight" [24, 24] is required)"},
      {"intermediate_size", 41,
       R"(tensor "bert.encoder.layer.0.intermediate.dense.weight" [41, 24] is required)"},
      {"vocab_size", 51, R"(tensor "bert.embeddings.word_embeddings.weight" [51, 24] is required)"},
      {"max_position_embeddings", 21,
       R"(tensor "bert.embeddings.position_embeddings.weight" [21, 24] is required)"},
      {"type_vocab_size", 1,
       R"(tensor "bert.embeddings.token_type_embeddings.weight" [1, 24] is required)"},
      {"num_labels", 2, R"(tensor "classifier.weight" [2, 24] is required, it has shape [3, 24])"},
  };
  for (const auto& [key, value, message] : cases) {
    CheckpointBuilder builder = RandomEncoder(Bert(), {}, true);
    builder.config[key] = value;
    const absl::Status status = Load(builder).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << key;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message)) << key;
  }
}

TEST(LoadModelTest, LoadsWithoutATokenizer) {
  const auto model = Load(RandomEncoder(Bert(), {}, true));
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ((*model)->AsTextEncoder()->tokenizer(), nullptr);
  EXPECT_EQ((*model)->info().tokenizer, "");
  EXPECT_EQ((*model)->info().max_length, 20);
}

TEST(LoadModelTest, TakesTheShorterOfTheLimits) {
  const TemporaryDirectory directory;
  CopyGolden("bert-embed", directory);
  directory.Write("tokenizer_config.json", R"({"model_max_length": 100})");
  const auto by_tokenizer = LoadModel(directory.path(), {});
  ASSERT_TRUE(by_tokenizer.ok()) << by_tokenizer.status();
  EXPECT_EQ((*by_tokenizer)->info().max_length, 100);
  directory.Write("sentence_bert_config.json", R"({"max_seq_length": 64})");
  const auto by_sentences = LoadModel(directory.path(), {});
  ASSERT_TRUE(by_sentences.ok()) << by_sentences.status();
  EXPECT_EQ((*by_sentences)->info().max_length, 64);
  directory.Write("sentence_bert_config.json", R"({"max_seq_length": 512})");
  directory.Write("tokenizer_config.json",
                  R"({"model_max_length": 1000000000000000019884624838656})");
  const auto by_positions = LoadModel(directory.path(), {});
  ASSERT_TRUE(by_positions.ok()) << by_positions.status();
  EXPECT_EQ((*by_positions)->info().max_length, 128);
}

TEST(LoadModelTest, RefusesATokenizerLargerThanTheTable) {
  const TemporaryDirectory directory;
  RandomEncoder(Bert(), {}, true).WriteTo(directory);
  std::filesystem::copy(ATTENTIOND_SOURCE_DIR "/tests/golden/bert-classify/tokenizer.json",
                        directory.PathOf("tokenizer.json"));
  EXPECT_EQ(LoadModel(directory.path(), {}).status(),
            absl::InvalidArgumentError(
                directory.path() +
                ": the tokenizer's vocabulary has 1200 tokens, at most \"vocab_size\" 50 of "
                "config.json (the rows of the embedding table) are allowed"));
}

TEST(LoadModelTest, ForwardsTheErrorsOfTheTokenizer) {
  const TemporaryDirectory directory;
  CopyGolden("bert-embed", directory);
  directory.Write("tokenizer.json", "{}");
  const absl::Status status = LoadModel(directory.path(), {}).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("tokenizer.json"));
}

TEST(LoadModelTest, RefusesWeightsThatDoNotFitInMemory) {
  const std::string directory = GoldenModel("bert-embed").directory();
  LoadOptions options;
  options.max_weight_bytes = 3 << 10;
  const absl::Status refused = LoadModel(directory, options).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr(directory + ": the weights take"));
  options.max_weight_bytes = 64 << 20;
  EXPECT_TRUE(LoadModel(directory, options).ok());
}

}  // namespace
}  // namespace attentiond
