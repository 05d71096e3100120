// Models in int8 against what they are in f32: the golden ones, the demo, and one of random
// weights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "core/engine/int8_check.h"
#include "core/engine/model.h"
#include "core/weights/json_file.h"
#include "tests/testing/expect_near.h"
#include "tests/testing/golden_model.h"
#include "tests/testing/random_encoder.h"

namespace attentiond {
namespace {

using ::attentiond::testing::ExpectNear;
using ::attentiond::testing::GoldenModel;
using ::attentiond::testing::RandomEncoder;
using ::attentiond::testing::TemporaryDirectory;
using nlohmann::json;

// What int8 does to a product is as good as random: x and W are rounded by at most half of
// max / 127, in the root mean square max / (127 sqrt 12). With the largest of a row three times as
// large as its values usually are, that is 0.7% of each, 1% of the product. A layer has four
// products and norms keep what goes in and out at order 1, so that L layers are off by
// sqrt(4 L) 1%, which also is the sine of the angle to f32.
double UsualError(const ModelInfo& info) {
  return std::sqrt(4.0 * static_cast<double>(info.num_layers)) * 0.01;
}

size_t LargestOf(absl::Span<const float> values) {
  return static_cast<size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

class Int8ModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!DescribePlatform().has_int8) GTEST_SKIP() << "this processor does not multiply int8";
  }

  static std::shared_ptr<const Model> Load(const std::string& directory,
                                           LoadOptions::Precision precision) {
    auto model = LoadModel(directory, {.precision = precision});
    EXPECT_TRUE(model.ok()) << model.status();
    return *std::move(model);
  }
  static std::shared_ptr<const Model> LoadInt8(const std::string& directory) {
    return Load(directory, LoadOptions::Precision::kInt8);
  }

  EncoderRowResult Run(const Model& model, const std::vector<int32_t>& ids,
                       const std::vector<int32_t>& type_ids = {}) {
    EncoderRow row;
    row.ids = ids;
    row.type_ids = type_ids;
    row.want_hidden_state = row.want_embedding = true;
    row.want_logits = model.info().kind != ModelKind::kEmbedding;
    std::vector<EncoderRowResult> results;
    const absl::Status status = model.AsTextEncoder()->Run({&row, 1}, context_, &results);
    EXPECT_TRUE(status.ok()) << status;
    return std::move(results[0]);
  }

  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
};

class Int8GoldenTest : public Int8ModelTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(Int8GoldenTest, IsNearPyTorch) {
  const GoldenModel golden(GetParam());
  const auto model = LoadInt8(golden.directory());
  const double error = UsualError(model->info());
  for (const json& golden_case : golden.cases()) {
    SCOPED_TRACE(golden_case.at("name").get<std::string>());
    const EncoderRowResult result =
        Run(*model, golden_case.at("input_ids").get<std::vector<int32_t>>(),
            golden_case.value("token_type_ids", std::vector<int32_t>()));
    EXPECT_GE(Cosine(result.hidden_state, golden.array(golden_case, "last_hidden_state")), 0.99);
    EXPECT_GE(Cosine(result.hidden_state, golden.array(golden_case, "last_hidden_state")),
              std::sqrt(1 - error * error));
    if (!golden_case.contains("logits")) continue;
    const auto logits = golden_case.at("logits").get<std::vector<float>>();
    // Of order 1; four standard deviations.
    ExpectNear(result.logits, logits, static_cast<float>(4 * error), "logits");
    EXPECT_EQ(LargestOf(result.logits), LargestOf(logits));
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, Int8GoldenTest,
                         ::testing::Values("bert-classify", "distilbert-classify", "bert-embed",
                                           "bert-tokens", "roberta-classify", "xlmr-embed",
                                           "camembert-tokens", "electra-classify",
                                           "albert-classify", "mpnet-classify", "mpnet-embed",
                                           "deberta-v2-classify", "deberta-v2-plain",
                                           "deberta-v3-tokens", "modernbert-classify",
                                           "modernbert-tokens"));

TEST_F(Int8ModelTest, TheDemoGivesTheSameLabels) {
  const std::string directory = ATTENTIOND_SOURCE_DIR "/models/demo-sentiment";
  const auto samples = ReadJsonFile(directory + "/DEMO.json");
  ASSERT_TRUE(samples.ok()) << samples.status();
  const auto in_int8 = LoadInt8(directory);
  const auto in_f32 = Load(directory, LoadOptions::Precision::kF32);
  const auto positive = static_cast<size_t>(
      std::find(in_int8->info().labels.begin(), in_int8->info().labels.end(), "POSITIVE") -
      in_int8->info().labels.begin());
  for (const json& sample : samples->at("samples")) {
    const auto text = sample.at("text").get<std::string>();
    const auto encoding =
        in_int8->AsTextEncoder()->tokenizer()->Encode(text, std::nullopt, {.max_length = 128});
    ASSERT_TRUE(encoding.ok()) << encoding.status();
    const EncoderRowResult result = Run(*in_int8, encoding->ids);
    EXPECT_EQ(LargestOf(result.logits) == positive, sample.at("POSITIVE").get<double>() > 0.5)
        << text;
    EXPECT_GE(Cosine(result.hidden_state, Run(*in_f32, encoding->ids).hidden_state), 0.99) << text;
  }
}

TEST_F(Int8ModelTest, RandomWeightsGiveNearlyTheSameEmbeddings) {
  testing::EncoderSizes sizes;
  sizes.hidden_size = 256;
  sizes.num_layers = 12;
  sizes.num_heads = 4;
  sizes.intermediate_size = 1024;
  sizes.vocab_size = 500;
  sizes.max_positions = 64;
  const TemporaryDirectory directory;
  RandomEncoder(*FindEncoderFamily("bert"), sizes, false).WriteTo(directory);
  const auto in_int8 = LoadInt8(directory.path());
  const auto in_f32 = Load(directory.path(), LoadOptions::Precision::kF32);
  std::mt19937 generator(1);
  for (const size_t length : {1u, 5u, 33u, 64u}) {
    std::vector<int32_t> ids(length);
    for (int32_t& id : ids) id = static_cast<int32_t>(generator() % 500);
    EXPECT_GE(Cosine(Run(*in_int8, ids).embedding, Run(*in_f32, ids).embedding), 0.995) << length;
  }
}

TEST_F(Int8ModelTest, ARowDoesNotDependOnTheOthers) {
  const auto model = LoadInt8(GoldenModel("bert-embed").directory());
  std::vector<std::vector<int32_t>> ids;
  for (int length = 1; length < 60; length += 7) {
    ids.emplace_back();
    for (int i = 0; i < length; ++i) ids.back().push_back((i * 37 + length) % 1200);
  }
  std::vector<EncoderRow> rows(ids.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].ids = ids[i];
    rows[i].want_hidden_state = true;
  }
  std::vector<EncoderRowResult> together;
  ASSERT_TRUE(model->AsTextEncoder()->Run(rows, context_, &together).ok());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(together[i].hidden_state, Run(*model, ids[i]).hidden_state) << i;
  }
}

TEST_F(Int8ModelTest, LinearLayersRunInInt8) {
  const auto model = LoadInt8(GoldenModel("bert-embed").directory());
  const auto runs = [] {
    uint64_t sum = 0;
    for (const KernelCount& count : KernelCounts()) {
      const bool in_int8 = count.kernel == "brgemm_int8" || count.kernel == "amx_int8";
      if (count.op == "linear" && in_int8) sum += count.count;
    }
    return sum;
  };
  const uint64_t before = runs();
  Run(*model, {1, 2, 3});
  EXPECT_EQ(runs() - before, 4u * 2);  // two layers
}

}  // namespace
}  // namespace attentiond
