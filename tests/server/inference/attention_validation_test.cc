// tests/server/inference/attention_validation_test.cc -- what raw attention accepts, and each
// message about what it does not.
#include "server/inference/attention_validation.h"

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

#include "server/inference/field_error.h"

namespace attentiond {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A good request: B 2, H 8, Hk 2, Sq 3, Sk 5, D 4, Dv 6. Tensors point at zeros.
struct Request {
  std::vector<char> zeros = std::vector<char>(1 << 16);
  std::vector<uint8_t> mask_bytes = std::vector<uint8_t>(2 * 8 * 3 * 5, 1);
  std::vector<int64_t> lengths = {0, 5};
  AttentionTensors tensors;
  AttentionOptions options;
  AttentionLimits limits;

  Request() {
    tensors.query = Zeros(DType::kF32, {2, 8, 3, 4});
    tensors.key = Zeros(DType::kF32, {2, 2, 5, 4});
    tensors.value = Zeros(DType::kF32, {2, 2, 5, 6});
  }
  TensorView Zeros(DType dtype, const Shape& shape) const { return {zeros.data(), dtype, shape}; }
  TensorView Mask(const Shape& shape) const { return {mask_bytes.data(), DType::kBool, shape}; }
  TensorView Lengths(const Shape& shape) const { return {lengths.data(), DType::kI64, shape}; }

  absl::StatusOr<ValidAttention> Validate() const {
    return ValidateAttention(tensors, options, limits);
  }
};

TEST(AttentionValidationTest, DescribesDenseOperands) {
  const Request request;
  const auto valid = request.Validate();
  ASSERT_TRUE(valid.ok()) << valid.status();
  const AttentionArgs& args = valid->args;
  EXPECT_EQ(args.batch, 2);
  EXPECT_EQ(args.num_heads, 8);
  EXPECT_EQ(args.num_kv_heads, 2);
  EXPECT_EQ(args.head_dim, 4);
  EXPECT_EQ(args.value_dim, 6);
  EXPECT_EQ(args.dtype, DType::kF32);
  EXPECT_EQ(args.query_lengths.length(1), 3);
  EXPECT_EQ(args.kv_lengths.length(1), 5);
  EXPECT_EQ(args.query.data, request.zeros.data());
  EXPECT_EQ(args.query.batch_stride, 8 * 3 * 4);
  EXPECT_EQ(args.query.head_stride, 3 * 4);
  EXPECT_EQ(args.query.token_stride, 4);
  EXPECT_EQ(args.key.batch_stride, 2 * 5 * 4);
  EXPECT_EQ(args.value.head_stride, 5 * 6);
  EXPECT_EQ(args.value.token_stride, 6);
  EXPECT_EQ(args.mask.data, nullptr);
  EXPECT_EQ(args.bias.data, nullptr);
  EXPECT_TRUE(args.valid_kv.empty());
  EXPECT_EQ(valid->output, Shape({2, 8, 3, 6}));
  EXPECT_EQ(valid->weights, Shape({2, 8, 3, 5}));
  EXPECT_EQ(valid->lse, Shape({2, 8, 3}));
  EXPECT_EQ(valid->tokens, 2 * 5);
}

TEST(AttentionValidationTest, PassesOptionsOn) {
  Request request;
  request.options = {.scale = -0.5, .causal = true, .window = 7, .softcap = 30.0};
  const auto valid = request.Validate();
  ASSERT_TRUE(valid.ok()) << valid.status();
  EXPECT_EQ(valid->args.scale, -0.5);
  EXPECT_TRUE(valid->args.causal);
  EXPECT_EQ(valid->args.window, 7);
  EXPECT_EQ(valid->args.softcap, 30.0);
}

TEST(AttentionValidationTest, DropsAWindowThatCoversEverything) {
  Request request;
  for (const int64_t window : {int64_t{3 + 5}, std::numeric_limits<int64_t>::max()}) {
    request.options.window = window;
    const auto valid = request.Validate();
    ASSERT_TRUE(valid.ok()) << valid.status();
    EXPECT_EQ(valid->args.window, std::nullopt) << window;
  }
}

TEST(AttentionValidationTest, AcceptsEveryFloatingTypeOfTheKernels) {
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
    Request request;
    request.tensors.query.dtype = request.tensors.key.dtype = request.tensors.value.dtype = dtype;
    const auto valid = request.Validate();
    ASSERT_TRUE(valid.ok()) << valid.status();
    EXPECT_EQ(valid->args.dtype, dtype);
  }
}

TEST(AttentionValidationTest, BroadcastsByZeroStrides) {
  struct Case {
    Shape shape;
    std::vector<int64_t> strides;  // batch, head, query, key
  };
  const Case cases[] = {
      {{2, 8, 3, 5}, {120, 15, 5, 1}}, {{1, 1, 1, 1}, {0, 0, 0, 0}}, {{2, 1, 1, 5}, {5, 0, 0, 1}},
      {{1, 8, 3, 1}, {0, 3, 1, 0}},    {{1, 1, 3, 5}, {0, 0, 5, 1}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.shape.ToString());
    Request request;
    request.tensors.mask = request.Mask(c.shape);
    request.tensors.bias = request.Zeros(DType::kF32, c.shape);
    const auto valid = request.Validate();
    ASSERT_TRUE(valid.ok()) << valid.status();
    const auto& mask = valid->args.mask;
    EXPECT_EQ((std::vector<int64_t>{mask.batch_stride, mask.head_stride, mask.query_stride,
                                    mask.key_stride}),
              c.strides);
    const auto& bias = valid->args.bias;
    EXPECT_EQ((std::vector<int64_t>{bias.batch_stride, bias.head_stride, bias.query_stride,
                                    bias.key_stride}),
              c.strides);
    EXPECT_EQ(static_cast<const void*>(bias.data), request.zeros.data());
  }
}

TEST(AttentionValidationTest, ReadsLengthsOfBothTypesAtAnyAlignment) {
  Request request;
  request.tensors.kv_lengths = request.Lengths({2});
  auto valid = request.Validate();
  ASSERT_TRUE(valid.ok()) << valid.status();
  EXPECT_EQ(valid->args.valid_kv, absl::MakeConstSpan({int64_t{0}, int64_t{5}}));

  const char unaligned[] = {0, /* 4 */ 4, 0, 0, 0, /* 1 */ 1, 0, 0, 0};
  request.tensors.kv_lengths = TensorView{unaligned + 1, DType::kI32, {2}};
  valid = request.Validate();
  ASSERT_TRUE(valid.ok()) << valid.status();
  // Also after a move: the span follows the vector.
  const ValidAttention moved = *std::move(valid);
  EXPECT_EQ(moved.args.valid_kv, absl::MakeConstSpan({int64_t{4}, int64_t{1}}));
}

TEST(AttentionValidationTest, LaysOutputsOutDensely) {
  const auto valid = Request().Validate();
  ASSERT_TRUE(valid.ok()) << valid.status();
  float output = 0, weights = 0, lse = 0;
  const AttentionOutputs all = valid->Outputs(&output, &weights, &lse);
  EXPECT_EQ(all.output.data, &output);
  EXPECT_EQ(all.output.batch_stride, 8 * 3 * 6);
  EXPECT_EQ(all.output.head_stride, 3 * 6);
  EXPECT_EQ(all.output.token_stride, 6);
  EXPECT_EQ(all.weights, &weights);
  EXPECT_EQ(all.weights_batch_stride, 8 * 3 * 5);
  EXPECT_EQ(all.weights_head_stride, 3 * 5);
  EXPECT_EQ(all.weights_query_stride, 5);
  EXPECT_EQ(all.lse, &lse);
  EXPECT_EQ(all.lse_batch_stride, 8 * 3);
  EXPECT_EQ(all.lse_head_stride, 3);

  const AttentionOutputs only_output = valid->Outputs(&output, nullptr, nullptr);
  EXPECT_EQ(only_output.weights, nullptr);
  EXPECT_EQ(only_output.lse, nullptr);
}

TEST(AttentionValidationTest, CountsOnlyTheOutputsThatAreWanted) {
  Request request;
  const int64_t output = 2 * 8 * 3 * 6 * 4, weights = 2 * 8 * 3 * 5 * 4, lse = 2 * 8 * 3 * 4;
  request.limits.max_output_bytes = output;
  EXPECT_TRUE(request.Validate().ok());
  request.options.want_weights = true;
  EXPECT_FALSE(request.Validate().ok());
  request.limits.max_output_bytes = output + weights;
  EXPECT_TRUE(request.Validate().ok());
  request.options.want_lse = true;
  EXPECT_FALSE(request.Validate().ok());
  request.limits.max_output_bytes = output + weights + lse;
  EXPECT_TRUE(request.Validate().ok());
}

struct ErrorCase {
  const char* name;
  std::function<void(Request*)> breaks;
  const char* field;
  const char* message;
};

std::string CaseName(const testing::TestParamInfo<ErrorCase>& param) { return param.param.name; }

class AttentionErrorTest : public testing::TestWithParam<ErrorCase> {};

TEST_P(AttentionErrorTest, NamesFieldFoundAndRequired) {
  Request request;
  GetParam().breaks(&request);
  const absl::Status status = request.Validate().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(status), GetParam().field);
  EXPECT_EQ(status.message(), GetParam().message);
}

const ErrorCase kTypeCases[] = {
    {"QueryType", [](Request* r) { r->tensors.query.dtype = DType::kF64; }, "query",
     "query: type FP64, required FP32, BF16 or FP16"},
    {"QueryInteger", [](Request* r) { r->tensors.query.dtype = DType::kI32; }, "query",
     "query: type INT32, required FP32, BF16 or FP16"},
    {"KeyType", [](Request* r) { r->tensors.key.dtype = DType::kBF16; }, "key",
     "key: type BF16, required FP32 as in query"},
    {"ValueType", [](Request* r) { r->tensors.value.dtype = DType::kF16; }, "value",
     "value: type FP16, required FP32 as in query"},
    {"MaskType",
     [](Request* r) {
       r->tensors.mask = r->Zeros(DType::kU8, {1, 1, 3, 5});
     },
     "mask", "mask: type UINT8, required BOOL"},
    {"BiasType",
     [](Request* r) {
       r->tensors.bias = r->Zeros(DType::kBF16, {1, 1, 3, 5});
     },
     "bias", "bias: type BF16, required FP32"},
    {"LengthsType", [](Request* r) { r->tensors.kv_lengths = r->Zeros(DType::kU32, {2}); },
     "kv_lengths", "kv_lengths: type UINT32, required INT32 or INT64"},
};
INSTANTIATE_TEST_SUITE_P(Types, AttentionErrorTest, testing::ValuesIn(kTypeCases), CaseName);

const ErrorCase kOperandCases[] = {
    {"QueryRank",
     [](Request* r) {
       r->tensors.query.shape = {8, 3, 4};
     },
     "query",
     "query: shape [8, 3, 4], required four dimensions [batch, heads, query length, head dim]"},
    {"QueryScalar",
     [](Request* r) { r->tensors.query.shape = Shape(std::initializer_list<int64_t>{}); }, "query",
     "query: shape [], required four dimensions [batch, heads, query length, head dim]"},
    {"KeyRank",
     [](Request* r) {
       r->tensors.key.shape = {1, 2, 2, 5, 4};
     },
     "key",
     "key: shape [1, 2, 2, 5, 4], required four dimensions [batch, kv heads, key length, head "
     "dim]"},
    {"ValueRank", [](Request* r) { r->tensors.value.shape = {60}; }, "value",
     "value: shape [60], required four dimensions [batch, kv heads, key length, value dim]"},
    {"NoBatch",
     [](Request* r) {
       r->tensors.query.shape = {0, 8, 3, 4};
     },
     "query", "query: shape [0, 8, 3, 4], required at least 1 in each dimension"},
    {"NoQueries",
     [](Request* r) {
       r->tensors.query.shape = {2, 8, 0, 4};
     },
     "query", "query: shape [2, 8, 0, 4], required at least 1 in each dimension"},
    {"NoHeadDim",
     [](Request* r) {
       r->tensors.query.shape = {2, 8, 3, 0};
     },
     "query", "query: shape [2, 8, 3, 0], required at least 1 in each dimension"},
    {"NoKeys",
     [](Request* r) {
       r->tensors.key.shape = {2, 2, 0, 4};
     },
     "key", "key: shape [2, 2, 0, 4], required at least 1 in each dimension"},
    {"NoKeyHeads",
     [](Request* r) {
       r->tensors.key.shape = {2, 0, 5, 4};
     },
     "key", "key: shape [2, 0, 5, 4], required at least 1 in each dimension"},
    {"NoValueDim",
     [](Request* r) {
       r->tensors.value.shape = {2, 2, 5, 0};
     },
     "value", "value: shape [2, 2, 5, 0], required at least 1 in each dimension"},
    {"KeyBatch",
     [](Request* r) {
       r->tensors.key.shape = {3, 2, 5, 4};
     },
     "key", "key: shape [3, 2, 5, 4] has batch 3, required 2 as in query"},
    {"KeyHeadDim",
     [](Request* r) {
       r->tensors.key.shape = {2, 2, 5, 3};
     },
     "key", "key: shape [2, 2, 5, 3] has head dim 3, required 4 as in query"},
    {"KeyHeads",
     [](Request* r) {
       r->tensors.key.shape = {2, 3, 5, 4};
     },
     "key", "key: shape [2, 3, 5, 4] has 3 heads, required a divisor of the 8 heads of query"},
    {"KeyMoreHeads",
     [](Request* r) {
       r->tensors.key.shape = {2, 16, 5, 4};
     },
     "key", "key: shape [2, 16, 5, 4] has 16 heads, required a divisor of the 8 heads of query"},
    {"ValueBatch",
     [](Request* r) {
       r->tensors.value.shape = {1, 2, 5, 6};
     },
     "value", "value: shape [1, 2, 5, 6] has batch 1, required 2 as in query"},
    {"ValueHeads",
     [](Request* r) {
       r->tensors.value.shape = {2, 8, 5, 6};
     },
     "value", "value: shape [2, 8, 5, 6] has heads 8, required 2 as in key"},
    {"ValueLength",
     [](Request* r) {
       r->tensors.value.shape = {2, 2, 4, 6};
     },
     "value", "value: shape [2, 2, 4, 6] has length 4, required 5 as in key"},
};
INSTANTIATE_TEST_SUITE_P(Operands, AttentionErrorTest, testing::ValuesIn(kOperandCases), CaseName);

const ErrorCase kMaskingCases[] = {
    {"MaskRank",
     [](Request* r) {
       r->tensors.mask = r->Mask({3, 5});
     },
     "mask",
     "mask: shape [3, 5], required four dimensions, each 1 or that of [2, 8, 3, 5] [batch, heads, "
     "query length, key length]"},
    {"MaskKeyHeads",
     [](Request* r) {
       r->tensors.mask = r->Mask({2, 2, 3, 5});
     },
     "mask",
     "mask: shape [2, 2, 3, 5], required four dimensions, each 1 or that of [2, 8, 3, 5] [batch, "
     "heads, query length, key length]"},
    {"MaskEmpty",
     [](Request* r) {
       r->tensors.mask = r->Mask({2, 8, 3, 0});
     },
     "mask",
     "mask: shape [2, 8, 3, 0], required four dimensions, each 1 or that of [2, 8, 3, 5] [batch, "
     "heads, query length, key length]"},
    {"MaskNotBool",
     [](Request* r) {
       r->mask_bytes[7] = 255;
       r->tensors.mask = r->Mask({1, 1, 3, 5});
     },
     "mask", "mask: element 7 is 255, required 0 or 1"},
    {"BiasTransposed",
     [](Request* r) {
       r->tensors.bias = r->Zeros(DType::kF32, {2, 8, 5, 3});
     },
     "bias",
     "bias: shape [2, 8, 5, 3], required four dimensions, each 1 or that of [2, 8, 3, 5] [batch, "
     "heads, query length, key length]"},
    {"LengthsShape", [](Request* r) { r->tensors.kv_lengths = r->Lengths({1}); }, "kv_lengths",
     "kv_lengths: shape [1], required [2] [batch]"},
    {"LengthsRank",
     [](Request* r) {
       r->tensors.kv_lengths = r->Lengths({2, 1});
     },
     "kv_lengths", "kv_lengths: shape [2, 1], required [2] [batch]"},
    {"LengthNegative",
     [](Request* r) {
       r->lengths = {5, -1};
       r->tensors.kv_lengths = r->Lengths({2});
     },
     "kv_lengths", "kv_lengths: element 1 is -1, required 0 to the key length 5"},
    {"LengthTooLong",
     [](Request* r) {
       r->lengths = {6, 5};
       r->tensors.kv_lengths = r->Lengths({2});
     },
     "kv_lengths", "kv_lengths: element 0 is 6, required 0 to the key length 5"},
};
INSTANTIATE_TEST_SUITE_P(Masking, AttentionErrorTest, testing::ValuesIn(kMaskingCases), CaseName);

const ErrorCase kOptionCases[] = {
    {"ScaleInfinite", [](Request* r) { r->options.scale = kInfinity; }, "scale",
     "scale: inf, required finite in FP32"},
    {"ScaleNan", [](Request* r) { r->options.scale = -kInfinity + kInfinity; }, "scale",
     "scale: nan, required finite in FP32"},
    {"ScaleTooLarge", [](Request* r) { r->options.scale = -1e39; }, "scale",
     "scale: -1e+39, required finite in FP32"},
    {"SoftcapZero", [](Request* r) { r->options.softcap = 0; }, "softcap",
     "softcap: 0, required above 0 and finite in FP32"},
    {"SoftcapNegative", [](Request* r) { r->options.softcap = -1; }, "softcap",
     "softcap: -1, required above 0 and finite in FP32"},
    {"SoftcapVanishes", [](Request* r) { r->options.softcap = 1e-50; }, "softcap",
     "softcap: 1e-50, required above 0 and finite in FP32"},
    {"SoftcapInfinite", [](Request* r) { r->options.softcap = kInfinity; }, "softcap",
     "softcap: inf, required above 0 and finite in FP32"},
    {"WindowZero", [](Request* r) { r->options.window = 0; }, "window",
     "window: 0, required at least 1"},
    {"WindowNegative", [](Request* r) { r->options.window = -8; }, "window",
     "window: -8, required at least 1"},
};
INSTANTIATE_TEST_SUITE_P(Options, AttentionErrorTest, testing::ValuesIn(kOptionCases), CaseName);

const ErrorCase kLimitCases[] = {
    {"OutputBytes", [](Request* r) { r->limits.max_output_bytes = 1000; }, "query",
     "query: the outputs would take 1152 bytes, the limit is 1000"},
    {"WeightsOfLongSequences",
     [](Request* r) {
       r->tensors.query.shape = {1, 1, 1 << 20, 1};
       r->tensors.key.shape = {1, 1, 1 << 20, 1};
       r->tensors.value.shape = {1, 1, 1 << 20, 1};
       r->options.want_weights = true;
     },
     "query", "query: the outputs would take 4.39805e+12 bytes, the limit is 1073741824"},
    {"Flop",
     [](Request* r) {
       r->tensors.query.shape = {1, 1, 1 << 22, 1};
       r->tensors.key.shape = {1, 1, 1 << 22, 1};
       r->tensors.value.shape = {1, 1, 1 << 22, 1};
     },
     "query",
     "query: with key and value this is 7.03687e+13 floating point operations, the limit is 1e+13"},
    // The product of these lengths does not fit an int64_t; the shapes alone are valid.
    {"FlopWhateverTheLimit",
     [](Request* r) {
       r->tensors.query.shape = {1, 1, int64_t{1} << 40, 1};
       r->tensors.key.shape = {1, 1, int64_t{1} << 40, 1};
       r->tensors.value.shape = {1, 1, int64_t{1} << 40, 1};
       r->limits.max_flop = kInfinity;
     },
     "query",
     "query: with key and value this is 4.8357e+24 floating point operations, the limit is "
     "5.76461e+17"},
};
INSTANTIATE_TEST_SUITE_P(Limits, AttentionErrorTest, testing::ValuesIn(kLimitCases), CaseName);

}  // namespace
}  // namespace attentiond
