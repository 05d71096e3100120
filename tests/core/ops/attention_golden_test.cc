// Attention against PyTorch's arithmetic in double, tests/golden/sdpa (made by make_golden.py).
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/ops/attention.h"
#include "core/weights/safetensors.h"
#include "tests/testing/random_tensor.h"
#include "tests/testing/tolerance.h"

namespace attentiond {
namespace {

const char kFolder[] = ATTENTIOND_SOURCE_DIR "/tests/golden/sdpa/";

// Parameter: the type that the operands are rounded to.
class AttentionGoldenTest : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    std::ifstream file(std::string(kFolder) + "cases.json");
    description_ = nlohmann::json::parse(file);
    auto tensors = SafetensorsFile::Open(std::string(kFolder) + "expected.safetensors");
    ASSERT_TRUE(tensors.ok()) << tensors.status();
    tensors_ = *std::move(tensors);
  }

  bool Has(const std::string& name) const { return tensors_->tensors().count(name) > 0; }
  std::vector<float> Golden(const std::string& name) const {
    return testing::ToFloats(tensors_->tensors().at(name));
  }

  // A golden tensor rounded to the parameter's type.
  Tensor Rounded(const std::string& name) const {
    const TensorView& golden = tensors_->tensors().at(name);
    Tensor rounded(GetParam(), golden.shape);
    for (int64_t i = 0; i < golden.num_elements(); ++i) {
      StoreElement(rounded.mutable_view().data, GetParam(), i,
                   LoadElement(golden.data, golden.dtype, i));
    }
    return rounded;
  }

  // |actual - golden| <= tolerance * (1 + |golden|).
  static void ExpectGolden(const std::vector<float>& actual, const std::vector<float>& golden,
                           double tolerance) {
    testing::ExpectWithin(actual, golden,
                          [&](size_t i) { return tolerance * (1 + std::abs(double{golden[i]})); });
  }

  void Check(const nlohmann::json& c);

  nlohmann::json description_;
  std::unique_ptr<SafetensorsFile> tensors_;
  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
};

template <typename Pointer>
AttentionOperandT<Pointer> DenseOperand(Pointer data, const Shape& shape) {
  return {data, shape.dim(1) * shape.dim(2) * shape.dim(3), shape.dim(2) * shape.dim(3),
          shape.dim(3)};
}

// Strides of a [B or 1, H or 1, Sq, Sk] tensor.
template <typename T>
AttentionBroadcast<T> Broadcast(const T* data, const Shape& shape) {
  const int64_t rows = shape.dim(2) * shape.dim(3);
  return {data, shape.dim(0) == 1 ? 0 : shape.dim(1) * rows, shape.dim(1) == 1 ? 0 : rows,
          shape.dim(3), 1};
}

void AttentionGoldenTest::Check(const nlohmann::json& c) {
  const std::string name = c["name"];
  SCOPED_TRACE("case " + name);
  const Tensor q = Rounded(name + ".q"), k = Rounded(name + ".k"), v = Rounded(name + ".v");
  AttentionArgs args;
  args.batch = c["batch"];
  args.num_heads = c["heads"];
  args.num_kv_heads = c["kv_heads"];
  args.head_dim = c["head_dim"];
  args.value_dim = c["value_dim"];
  args.dtype = GetParam();
  const int64_t queries = args.query_lengths.dense_length = c["q_len"];
  const int64_t keys = args.kv_lengths.dense_length = c["kv_len"];
  args.query = DenseOperand(q.view().data, q.shape());
  args.key = DenseOperand(k.view().data, k.shape());
  args.value = DenseOperand(v.view().data, v.shape());
  args.causal = c.value("causal", false);
  if (c.contains("scale")) args.scale = c["scale"].get<double>();
  if (c.contains("softcap")) args.softcap = c["softcap"].get<double>();
  if (c.contains("window")) args.window = c["window"].get<int64_t>();
  const auto valid = c.value("kv_lengths", std::vector<int64_t>());
  args.valid_kv = valid;
  std::vector<float> bias;
  if (c.contains("bias")) {
    bias = Golden(name + ".bias");
    args.bias = Broadcast(bias.data(), tensors_->tensors().at(name + ".bias").shape);
  }
  std::unique_ptr<bool[]> mask;
  if (c.contains("mask")) {
    const TensorView& golden = tensors_->tensors().at(name + ".mask");
    mask = std::make_unique<bool[]>(static_cast<size_t>(golden.num_elements()));
    std::copy_n(golden.values<uint8_t>().begin(), golden.num_elements(), mask.get());
    args.mask = Broadcast<bool>(mask.get(), golden.shape);
  }

  Tensor output(GetParam(), {args.batch, args.num_heads, queries, args.value_dim});
  const int64_t rows = args.batch * args.num_heads * queries;
  std::vector<float> weights(static_cast<size_t>(rows * keys)), lse(static_cast<size_t>(rows));
  AttentionOutputs outputs;
  outputs.output = DenseOperand(output.mutable_view().data, output.shape());
  outputs.weights = weights.data();
  outputs.weights_batch_stride = args.num_heads * queries * keys;
  outputs.weights_head_stride = queries * keys;
  outputs.weights_query_stride = keys;
  outputs.lse = lse.data();
  outputs.lse_batch_stride = args.num_heads * queries;
  outputs.lse_head_stride = queries;
  ASSERT_TRUE(Attention(args, outputs, context_).ok());
  const double tolerance =
      description_[GetParam() == DType::kF32 ? "tolerance_f32" : "tolerance_bf16"];
  ExpectGolden(testing::ToFloats(output.view()), Golden(name + ".out"), tolerance);
  ExpectGolden(lse, Golden(name + ".lse"), tolerance);
  if (Has(name + ".weights")) ExpectGolden(weights, Golden(name + ".weights"), tolerance);
}

TEST_P(AttentionGoldenTest, EveryCase) {
  ASSERT_GT(description_["cases"].size(), 10u);
  for (const nlohmann::json& c : description_["cases"]) {
    // Scores of hundreds: rounding the operands to 16 bits makes another problem of it.
    if (GetParam() != DType::kF32 && c.contains("gain")) continue;
    Check(c);
  }
}

INSTANTIATE_TEST_SUITE_P(DTypes, AttentionGoldenTest,
                         ::testing::Values(DType::kF32, DType::kBF16, DType::kF16),
                         [](const auto& dtype) { return std::string(Name(dtype.param)); });

}  // namespace
}  // namespace attentiond
