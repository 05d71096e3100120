#include "core/models/multi_head_attention_layer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/ops/processor.h"
#include "tests/testing/checkpoint_builder.h"
#include "tests/testing/expect_near.h"
#include "tests/testing/golden_model.h"

namespace attentiond {
namespace {

using ::attentiond::testing::CheckpointBuilder;
using ::attentiond::testing::ExpectNear;
using ::attentiond::testing::GoldenModel;
using ::attentiond::testing::TemporaryDirectory;

absl::StatusOr<MultiHeadAttentionLayer> LoadFrom(const std::string& directory,
                                                 DType compute = DType::kF32) {
  const auto checkpoint = Checkpoint::Open(directory);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
  const auto config = ParseMultiHeadAttentionConfig((*checkpoint)->config());
  EXPECT_TRUE(config.ok()) << config.status();
  WeightLoader loader(checkpoint->get());
  return MultiHeadAttentionLayer::Load(*config, compute, &loader);
}

MultiHeadAttentionLayer MustLoad(const std::string& directory, DType compute = DType::kF32) {
  auto layer = LoadFrom(directory, compute);
  EXPECT_TRUE(layer.ok()) << layer.status();
  return *std::move(layer);
}

// A call with room for its results.
struct Call {
  AttentionLayerCall args;
  std::vector<int64_t> kv_lengths;
  std::vector<float> output, weights;
};

Call CallOf(const GoldenModel& golden, const nlohmann::json& golden_case) {
  Call call;
  call.args.batch = golden_case.at("batch");
  call.args.query_length = golden_case.at("q_len");
  call.args.kv_length = golden_case.at("kv_len");
  call.args.causal = golden_case.at("causal");
  call.args.query = golden.array(golden_case, "query").data();
  call.args.key = golden.array(golden_case, "key").data();
  call.args.value = golden.array(golden_case, "value").data();
  if (!golden_case.at("kv_lengths").is_null()) {
    call.kv_lengths = golden_case.at("kv_lengths").get<std::vector<int64_t>>();
    call.args.kv_lengths = call.kv_lengths;
  }
  call.output.resize(golden.array(golden_case, "out").size());
  call.weights.resize(golden.array(golden_case, "weights").size());
  call.args.output = call.output.data();
  call.args.weights = call.weights.data();
  return call;
}

class MultiHeadAttentionLayerTest : public ::testing::Test {
 protected:
  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
};

class GoldenLayerTest : public MultiHeadAttentionLayerTest,
                        public ::testing::WithParamInterface<const char*> {};

TEST_P(GoldenLayerTest, ComputesWhatPyTorchComputes) {
  const GoldenModel golden(GetParam());
  const MultiHeadAttentionLayer layer = MustLoad(golden.directory());
  for (const auto& golden_case : golden.cases()) {
    const std::string name = golden_case.at("name");
    Call call = CallOf(golden, golden_case);
    const absl::Status status = layer.Run(call.args, context_);
    ASSERT_TRUE(status.ok()) << status;
    ExpectNear(call.output, golden.array(golden_case, "out"), golden.tolerance(), name + " out");
    ExpectNear(call.weights, golden.array(golden_case, "weights"), golden.tolerance(),
               name + " weights");
    call.args.weights = nullptr;
    ASSERT_TRUE(layer.Run(call.args, context_).ok());
    ExpectNear(call.output, golden.array(golden_case, "out"), golden.tolerance(),
               name + " out without weights");
  }
}

TEST_P(GoldenLayerTest, ComputesInBFloat16) {
  if (!DescribeProcessor().has_bf16) GTEST_SKIP() << "this processor does not multiply bf16";
  // Three roundings for each of the four linear layers (input, weight, result) and four in
  // attention (scores' two factors, probabilities, values), independent, each of 2^-9 of the value
  // in the root mean square. Two layers with a gain of 1.2 give outputs of 1.44 in the root mean
  // square; the worst of a thousand is four standard deviations off.
  const float tolerance = 4 * 1.44f * std::sqrt(16.0f) / 512;
  const GoldenModel golden(GetParam());
  const MultiHeadAttentionLayer layer = MustLoad(golden.directory(), DType::kBF16);
  for (const auto& golden_case : golden.cases()) {
    Call call = CallOf(golden, golden_case);
    const absl::Status status = layer.Run(call.args, context_);
    ASSERT_TRUE(status.ok()) << status;
    ExpectNear(call.output, golden.array(golden_case, "out"), tolerance, "out");
    ExpectNear(call.weights, golden.array(golden_case, "weights"), tolerance, "weights");
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenLayerTest, ::testing::Values("mha-0", "mha-1"));

TEST_F(MultiHeadAttentionLayerTest, KeyAndValueDefaultToTheQuery) {
  const GoldenModel golden("mha-0");
  const MultiHeadAttentionLayer layer = MustLoad(golden.directory());
  const auto& self_attention = golden.cases().at(0);  // query, key and value are one tensor
  for (const bool with_key : {false, true}) {
    Call call = CallOf(golden, self_attention);
    call.args.value = nullptr;
    if (!with_key) call.args.key = nullptr;
    const absl::Status status = layer.Run(call.args, context_);
    ASSERT_TRUE(status.ok()) << status;
    ExpectNear(call.output, golden.array(self_attention, "out"), golden.tolerance(), "out");
  }
}

TEST_F(MultiHeadAttentionLayerTest, AQueryThatSeesNoKeyGetsTheOutputBias) {
  const GoldenModel golden("mha-0");
  const MultiHeadAttentionLayer layer = MustLoad(golden.directory());
  const auto checkpoint = Checkpoint::Open(golden.directory());
  const auto bias = (*checkpoint)->Get("out_proj.bias", Shape{32});
  ASSERT_TRUE(bias.ok()) << bias.status();
  Call call = CallOf(golden, golden.cases().at(3));
  call.kv_lengths = {10, 0};
  call.args.kv_lengths = call.kv_lengths;
  ASSERT_TRUE(layer.Run(call.args, context_).ok());
  for (size_t query = 0; query < 6; ++query) {
    ExpectNear(absl::MakeConstSpan(call.output).subspan((6 + query) * 32, 32),
               bias->values<float>(), 0, "output of a masked query");
  }
  EXPECT_TRUE(std::all_of(call.weights.begin() + 4 * 6 * 10, call.weights.end(),
                          [](float weight) { return weight == 0; }));
  ExpectNear(absl::MakeConstSpan(call.output).first(6 * 32),
             golden.array(golden.cases().at(3), "out").first(6 * 32), golden.tolerance(),
             "output of the other row");
}

TEST_F(MultiHeadAttentionLayerTest, CausalAlignsTheLastQueryWithTheLastKey) {
  const GoldenModel golden("mha-0");
  const MultiHeadAttentionLayer layer = MustLoad(golden.directory());
  Call call = CallOf(golden, golden.cases().at(1));  // 7 queries, 11 keys
  call.args.causal = true;
  ASSERT_TRUE(layer.Run(call.args, context_).ok());
  for (size_t query = 0; query < 7; ++query) {
    for (size_t key = 0; key < 11; ++key) {
      EXPECT_EQ(call.weights[query * 11 + key] > 0, key <= query + 4) << query << " " << key;
    }
  }
}

TEST_F(MultiHeadAttentionLayerTest, TakesEmptyCalls) {
  const GoldenModel golden("mha-0");
  const MultiHeadAttentionLayer layer = MustLoad(golden.directory());
  EXPECT_TRUE(layer.Run({}, context_).ok());
  AttentionLayerCall no_queries = CallOf(golden, golden.cases().at(1)).args;
  no_queries.query_length = 0;
  EXPECT_TRUE(layer.Run(no_queries, context_).ok());
}

TEST_F(MultiHeadAttentionLayerTest, RefusesWhatIsNoCall) {
  struct Mutation {
    std::function<void(Call*)> apply;
    std::string message;
  };
  const auto expect = [this](const char* model, const std::vector<Mutation>& mutations) {
    const GoldenModel golden(model);
    const MultiHeadAttentionLayer layer = MustLoad(golden.directory());
    for (const auto& [apply, message] : mutations) {
      Call call = CallOf(golden, golden.cases().at(3));  // 6 queries, 10 keys
      apply(&call);
      EXPECT_EQ(layer.Run(call.args, context_), absl::InvalidArgumentError(message));
    }
  };
  const auto set_lengths = [](Call* call, std::vector<int64_t> lengths) {
    call->kv_lengths = std::move(lengths);
    call->args.kv_lengths = call->kv_lengths;
  };
  expect("mha-0",
         {{[](Call* call) { call->args.batch = -1; }, "batch is -1, 0 or more is required"},
          {[](Call* call) { call->args.query_length = -1; },
           "query_length is -1, 0 or more is required"},
          {[](Call* call) { call->args.kv_length = -2; }, "kv_length is -2, 0 or more is required"},
          {[](Call* call) { call->args.key = call->args.value = nullptr; },
           "kv_length is 10, without key, query_length 6 is required"},
          {[](Call* call) { call->args.key = nullptr; },
           "value is given without key; key is required with it"},
          {[&](Call* call) {
             set_lengths(call, {10, 11});
           },
           "kv_lengths[1] is 11, 0 to kv_length 10 is required"},
          {[&](Call* call) {
             set_lengths(call, {-1, 4});
           },
           "kv_lengths[0] is -1, 0 to kv_length 10 is required"},
          {[&](Call* call) { set_lengths(call, {1}); },
           "the number of kv_lengths is 1, batch 2 is required"},
          {[](Call* call) { call->args.batch = int64_t{1} << 58; },
           "shape [288230376151711744, 10, 32, 4] has too many elements"}});
  expect("mha-1", {{[](Call* call) {
                      call->args.key = call->args.value = nullptr;
                      call->args.kv_length = 6;
                    },
                    "key is required: kdim 24 is not the query's embed_dim 48"},
                   {[](Call* call) { call->args.value = nullptr; },
                    "value is required: vdim 40 is not kdim 24"}});
}

TEST_F(MultiHeadAttentionLayerTest, RefusesCheckpointsThatContradictTheirConfig) {
  const auto load = [](const nlohmann::json& config, const std::vector<std::string>& biases) {
    CheckpointBuilder builder(config);
    builder.AddRandom("in_proj_weight", {12, 4}, 1);
    builder.AddRandom("out_proj.weight", {4, 4}, 1);
    for (const std::string& name : biases) {
      builder.AddRandom(name, name == "in_proj_bias" ? Shape{12} : Shape{4}, 1);
    }
    const TemporaryDirectory directory;
    builder.WriteTo(directory);
    absl::Status status = LoadFrom(directory.path()).status();
    const size_t path_bytes = directory.path().size();
    std::string message(status.message());
    if (message.rfind(directory.path(), 0) == 0) message.erase(0, path_bytes + 2);
    return absl::Status(status.code(), message);
  };
  const nlohmann::json good = {{"embed_dim", 4}, {"num_heads", 2}};
  EXPECT_EQ(load(good, {"in_proj_bias", "out_proj.bias"}), absl::OkStatus());
  EXPECT_EQ(load(good, {"in_proj_bias"}),
            absl::InvalidArgumentError(
                "tensor \"out_proj.bias\" [4] is required, there is none of that name"));
  EXPECT_EQ(load(good, {"in_proj_bias", "out_proj.bias", "bias_k"}),
            absl::UnimplementedError(
                "model.safetensors: tensor \"bias_k\" (add_bias_kv) is not supported"));
  nlohmann::json no_bias = good;
  no_bias["bias"] = false;
  EXPECT_EQ(load(no_bias, {}), absl::OkStatus());
  EXPECT_EQ(load(no_bias, {"out_proj.bias"}),
            absl::InvalidArgumentError("config.json: \"bias\" is false, but model.safetensors has "
                                       "the tensor \"out_proj.bias\""));
  nlohmann::json other_keys = good;
  other_keys["kdim"] = 3;
  EXPECT_EQ(load(other_keys, {"in_proj_bias", "out_proj.bias"}),
            absl::InvalidArgumentError(
                "tensor \"q_proj_weight\" [4, 4] is required, there is none of that name"));
}

}  // namespace
}  // namespace attentiond
