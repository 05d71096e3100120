// Linear with weights of int8, against reference::QuantizedLinear().
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "core/onednn/context.h"
#include "core/onednn/isa.h"
#include "core/ops/linear.h"
#include "core/ops/workspace.h"
#include "core/reference/quantized_linear.h"
#include "tests/core/ops/linear_case.h"
#include "tests/testing/random_tensor.h"
#include "tests/testing/tolerance.h"

namespace attentiond {
namespace {

using testing::kNoBias;
using testing::LinearCase;
using testing::LinearOperands;
using testing::RandomTensor;
using testing::ToFloats;

std::vector<reference::QuantizedRow> QuantizeRows(const Tensor& matrix) {
  const std::vector<float> values = ToFloats(matrix.view());
  const auto width = static_cast<size_t>(matrix.shape().dim(1));
  std::vector<reference::QuantizedRow> rows;
  for (size_t begin = 0; begin < values.size(); begin += width) {
    rows.push_back(reference::Quantize(absl::MakeConstSpan(values).subspan(begin, width)));
  }
  return rows;
}

// Parameter: the type of the activations.
class QuantizedLinearTest : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    for (const DType dtype : {DType::kU8, GetParam()}) {
      if (!onednn::HasMicroKernels(dtype)) {
        GTEST_SKIP() << onednn::IsaName() << " does not multiply " << Name(dtype);
      }
    }
  }

  static Linear Create(const Tensor& weight, const TensorView& bias = kNoBias) {
    auto linear = Linear::Create(weight.view(), bias, {GetParam(), DType::kI8});
    EXPECT_TRUE(linear.ok()) << linear.status();
    return *std::move(linear);
  }

  void Run(const Linear& linear, const Tensor& x, Tensor* y) {
    const absl::Status status = linear.Run({.x = x.view().data,
                                            .x_stride = linear.in_features(),
                                            .y = y->mutable_view().data,
                                            .y_stride = linear.out_features(),
                                            .rows = x.shape().dim(0)},
                                           context_);
    ASSERT_TRUE(status.ok()) << status;
  }

  void Check(const LinearCase& c, const LinearOperands& operands) {
    SCOPED_TRACE(::testing::Message() << c.rows << "x" << c.in << " -> " << c.out << " activation "
                                      << static_cast<int>(c.activation));
    const DType dtype = GetParam();
    const std::vector<float> y = testing::RunLinear(c, operands, DType::kI8, context_);
    const reference::QuantizedLinearLayer sums{QuantizeRows(operands.weight), operands.biases};
    reference::QuantizedLinearLayer layer = sums;
    layer.activation = c.activation;
    const std::vector<reference::QuantizedRow> inputs = QuantizeRows(operands.x);
    const auto out = static_cast<size_t>(c.out);
    std::vector<float> expected(inputs.size() * out), before_activation(expected.size());
    for (size_t r = 0; r < inputs.size(); ++r) {
      reference::QuantizedLinear(sums, inputs[r], {},
                                 absl::MakeSpan(before_activation).subspan(r * out, out));
      reference::QuantizedLinear(layer, inputs[r], operands.ResidualOf(r),
                                 absl::MakeSpan(expected).subspan(r * out, out));
    }
    // The integers' sum is exact. It is rounded to f32, scaled twice, and the bias is added: four
    // roundings of what is at most |sum + bias| + |bias|, through an activation of a slope of at
    // most 1.13 and with an error of 1e-6 of its own; then the residual's and y's.
    testing::ExpectWithin(y, expected, [&](size_t i) {
      const double magnitude = std::abs(double{before_activation[i]}) + 1;
      const double activated = c.activation == Activation::kNone
                                   ? 0
                                   : 1e-6 * (1 + std::abs(double{before_activation[i]}));
      return 1.13 * 5 * testing::RoundingTolerance(DType::kF32, magnitude) + activated +
             testing::RoundingTolerance(DType::kF32, double{expected[i]}) +
             testing::RoundingTolerance(dtype, double{expected[i]});
    });
  }
  void Check(const LinearCase& c) { Check(c, LinearOperands(c, GetParam())); }

  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
};

TEST_P(QuantizedLinearTest, AgreesWithTheReference) {
  for (int64_t rows = 1; rows <= 70; ++rows) Check({rows, 64, 64});
  for (const int64_t rows : {31, 300}) Check({rows, 96, 200});
}

TEST_P(QuantizedLinearTest, OddShapes) {
  for (const int64_t in : {1, 2, 3, 5, 17, 63, 65, 80, 1000, 1025, 2500}) {
    for (const int64_t out : {1, 2, 16, 63, 65, 130}) Check({5, in, out});
  }
}

TEST_P(QuantizedLinearTest, ActivationsBiasAndResidual) {
  for (const LinearCase& c : testing::CasesOfEveryEnding()) Check(c);
}

TEST_P(QuantizedLinearTest, WeightTypes) {
  Check({3, 64, 64, Activation::kNone, true, false, DType::kF16});
  Check({3, 64, 64, Activation::kNone, true, false, DType::kBF16});
}

// Each row has a scale of its own, from nearly zero to nearly infinite.
TEST_P(QuantizedLinearTest, RowsOfEveryMagnitude) {
  const LinearCase c{9, 64, 70};
  LinearOperands operands(c, GetParam());
  Tensor& x = operands.x;
  const float magnitudes[] = {0, 1e-42f, 1e-31f, 1e-28f, 1e-10f, 1, 1e10f, 1e30f, 1e36f};
  for (int64_t i = 0; i < x.shape().num_elements(); ++i) {
    StoreElement(x.mutable_view().data, GetParam(), i,
                 LoadElement(x.view().data, GetParam(), i) * magnitudes[i / 64]);
  }
  Check(c, operands);
}

// The largest integers everywhere: where kernels that saturate on their way are wrong.
TEST_P(QuantizedLinearTest, SumsDoNotSaturate) {
  const int64_t in = 4096;
  Tensor x = RandomTensor(GetParam(), {3, in}, 3, 0),
         weight = RandomTensor(DType::kF32, {2, in}, 1, 0);
  for (int64_t i = 0; i < in; ++i) {
    StoreElement(x.mutable_view().data, GetParam(), i, 1);
    StoreElement(x.mutable_view().data, GetParam(), in + i, -1);
    StoreElement(x.mutable_view().data, GetParam(), 2 * in + i, i % 2 == 0 ? 1.0f : -1.0f);
    StoreElement(weight.mutable_view().data, DType::kF32, i, 1);
    StoreElement(weight.mutable_view().data, DType::kF32, in + i, i % 4 < 2 ? 1.0f : -1.0f);
  }
  Tensor y(GetParam(), {3, 2});
  Run(Create(weight), x, &y);
  const std::vector<float> values = ToFloats(y.view());
  const float expected[] = {4096, 0, -4096, 0, 0, 0};
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(values[i], expected[i], 4096 * 0x1p-8) << i;
}

TEST_P(QuantizedLinearTest, WhatIsNotFiniteStaysInItsRow) {
  const Tensor weight = RandomTensor(DType::kF32, {70, 50}, 1);
  const Linear linear = Create(weight);
  Tensor x = RandomTensor(GetParam(), {40, 50}, 3);
  Tensor finite(GetParam(), {40, 70}), y(GetParam(), {40, 70});
  Run(linear, x, &finite);
  StoreElement(x.mutable_view().data, GetParam(), 7 * 50 + 3,
               std::numeric_limits<float>::infinity());
  StoreElement(x.mutable_view().data, GetParam(), 33 * 50 + 49,
               std::numeric_limits<float>::quiet_NaN());
  Run(linear, x, &y);
  const std::vector<float> values = ToFloats(y.view()), others = ToFloats(finite.view());
  for (size_t i = 0; i < values.size(); ++i) {
    if (i / 70 == 7 || i / 70 == 33) {
      EXPECT_TRUE(std::isnan(values[i])) << i;
    } else {
      EXPECT_EQ(values[i], others[i]) << i;
    }
  }
}

TEST_P(QuantizedLinearTest, StridesAndResidualInPlace) {
  const DType dtype = GetParam();
  const int64_t rows = 40, in = 48, out = 40, x_stride = 60, y_stride = 57;
  const Linear linear = Create(RandomTensor(DType::kF32, {out, in}, 1));
  const Tensor wide = RandomTensor(dtype, {rows, x_stride}, 2);
  Tensor dense(dtype, {rows, in}), y = RandomTensor(dtype, {rows, y_stride}, 3);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < in; ++c) {
      StoreElement(dense.mutable_view().data, dtype, r * in + c,
                   LoadElement(wide.view().data, dtype, r * x_stride + c));
    }
  }
  const std::vector<float> before = ToFloats(y.view());
  Tensor product(dtype, {rows, out});
  Run(linear, dense, &product);
  Linear::Args args{wide.view().data, x_stride, y.mutable_view().data, y_stride, rows};
  args.residual = args.y;
  ASSERT_TRUE(linear.Run(args, context_).ok());
  const std::vector<float> products = ToFloats(product.view()), after = ToFloats(y.view());
  for (int64_t i = 0; i < rows * y_stride; ++i) {
    const auto at = static_cast<size_t>(i);
    const bool inside = i % y_stride < out;
    const float added =
        inside ? products[static_cast<size_t>(i / y_stride * out + i % y_stride)] : 0;
    // The product was rounded to the type once more here than there; outside nothing is written.
    EXPECT_NEAR(after[at], before[at] + added,
                inside
                    ? testing::RoundingTolerance(dtype, double{std::abs(added)} + 1) * 2 +
                          testing::RoundingTolerance(DType::kF32, double{std::abs(added)} + 1) * 4
                    : 0)
        << i;
  }
}

// What a row becomes must not depend on what it is batched with: same bits.
TEST_P(QuantizedLinearTest, ARowDoesNotDependOnTheOthers) {
  const DType dtype = GetParam();
  const int64_t in = 768, out = 100, rows = 300;
  const Linear linear = Create(RandomTensor(DType::kF32, {out, in}, 1));
  const Tensor x = RandomTensor(dtype, {rows, in}, 2);
  Tensor together(dtype, {rows, out}), alone(dtype, {rows, out});
  Linear::Args args{x.view().data, in, together.mutable_view().data, out, rows};
  args.activation = Activation::kGeluErf;
  ASSERT_TRUE(linear.Run(args, context_).ok());
  const auto element = static_cast<int64_t>(ByteSize(dtype));
  for (int64_t r = 0; r < rows; ++r) {
    Linear::Args row = args;
    row.x = static_cast<const char*>(args.x) + r * in * element;
    row.y = static_cast<char*>(alone.mutable_view().data) + r * out * element;
    row.rows = 1;
    ASSERT_TRUE(linear.Run(row, context_).ok());
  }
  EXPECT_EQ(std::memcmp(together.view().data, alone.view().data, together.view().num_bytes()), 0);
}

TEST_P(QuantizedLinearTest, OnceWarmMakesNoKernelsAndTakesNoMemory) {
  const Linear linear = Create(RandomTensor(DType::kF32, {64, 64}, 1));
  const Tensor x = RandomTensor(GetParam(), {256, 64}, 2);
  Tensor y(GetParam(), {256, 64});
  Linear::Args args{x.view().data, 64, y.mutable_view().data, 64, 0};
  const auto run_all = [&] {
    for (args.rows = 256; args.rows >= 0; --args.rows) {
      ASSERT_TRUE(linear.Run(args, context_).ok());
    }
  };
  run_all();
  const auto misses = context_.onednn().kernels().statistics().misses;
  const size_t bytes = context_.workspace().total_bytes();
  EXPECT_LE(misses, 6);  // 32 rows, and the powers of two that make up fewer
  run_all();
  EXPECT_EQ(context_.onednn().kernels().statistics().misses, misses);
  EXPECT_EQ(context_.workspace().total_bytes(), bytes);
}

TEST_P(QuantizedLinearTest, SaysWhatItHolds) {
  const Linear linear = Create(RandomTensor(DType::kF16, {40, 300}, 1));
  EXPECT_EQ(linear.in_features(), 300);
  EXPECT_EQ(linear.out_features(), 40);
  EXPECT_EQ(linear.types().activations, GetParam());
  EXPECT_EQ(linear.types().weights, DType::kI8);
  EXPECT_GE(linear.packed_bytes(), 40u * 300);
  EXPECT_LE(linear.packed_bytes(), 64u * (320 + 8) + 40 * 4);  // what is padded, scales and bias
}

INSTANTIATE_TEST_SUITE_P(DTypes, QuantizedLinearTest, ::testing::Values(DType::kF32, DType::kBF16),
                         [](const auto& dtype) { return std::string(Name(dtype.param)); });

TEST(QuantizedLinearCreateTest, NamesWhatIsWrong) {
  const Tensor weight = RandomTensor(DType::kF32, {1, 4}, 1);
  const auto message = [&](LinearTypes types, const Shape& shape) {
    const auto linear = Linear::Create({weight.view().data, DType::kF32, shape}, kNoBias, types);
    return std::string(linear.status().message());
  };
  EXPECT_EQ(message({DType::kF32, DType::kU8}, Shape({1, 4})),
            "weights packed as u8; it is f32 or i8");
  if (onednn::HasMicroKernels(DType::kU8)) {
    EXPECT_EQ(message({DType::kF32, DType::kI8}, Shape({1, 131073})),
              "weight has 131073 inputs, int8 takes at most 131072");
  }
}

// Integer kernels exist on these processors too, and are wrong.
TEST(QuantizedLinearCreateTest, RefusesProcessorsThatSaturate) {
  const char* const limit = std::getenv("ONEDNN_MAX_CPU_ISA");
  const std::string isa = limit == nullptr ? "" : limit;
  if (isa != "SSE41" && isa != "AVX2" && isa != "AVX512_CORE") GTEST_SKIP() << "not such a limit";
  EXPECT_FALSE(onednn::HasMicroKernels(DType::kU8));
  const Tensor weight = RandomTensor(DType::kF32, {4, 4}, 1);
  const auto linear = Linear::Create(weight.view(), kNoBias, {DType::kF32, DType::kI8});
  EXPECT_EQ(linear.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(linear.status().message()), ::testing::HasSubstr(onednn::IsaName()));
}

}  // namespace
}  // namespace attentiond
