#include "core/ops/linear.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "core/onednn/context.h"
#include "core/onednn/isa.h"
#include "core/reference/linear.h"
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

// Parameter: the compute type.
class LinearTest : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    if (GetParam() == DType::kBF16 && !onednn::HasMicroKernels(DType::kBF16)) {
      GTEST_SKIP() << onednn::IsaName() << " does not multiply bf16";
    }
  }

  // The weights that the layer multiplies: the checkpoint's, rounded to the compute type.
  static std::vector<float> RoundedWeights(const Tensor& weight) {
    std::vector<float> values = ToFloats(weight.view());
    if (GetParam() == DType::kBF16) {
      for (float& value : values) value = ToFloat(ToBFloat16(value));
    }
    return values;
  }

  void Check(const LinearCase& c) {
    SCOPED_TRACE(::testing::Message() << c.rows << "x" << c.in << " -> " << c.out << " activation "
                                      << static_cast<int>(c.activation));
    const DType dtype = GetParam();
    const LinearOperands operands(c, dtype);
    const std::vector<float> y = testing::RunLinear(c, operands, dtype, context_);

    const std::vector<float> weights = RoundedWeights(operands.weight),
                             xs = ToFloats(operands.x.view());
    const auto in = static_cast<size_t>(c.in), out = static_cast<size_t>(c.out);
    const reference::LinearLayer layer{weights, operands.biases, c.activation};
    std::vector<float> expected(static_cast<size_t>(c.rows) * out);
    for (size_t r = 0; r < static_cast<size_t>(c.rows); ++r) {
      reference::Linear(layer, absl::MakeConstSpan(xs).subspan(r * in, in), operands.ResidualOf(r),
                        absl::MakeSpan(expected).subspan(r * out, out));
    }
    // |x| and |w| are at most 1, the products' magnitudes 1/4 on average; an activation's slope is
    // at most 1.13 and its own error 1e-6; the residual's addition rounds once more.
    const double sum_error =
        testing::DotTolerance(c.in + 2, static_cast<double>(c.in) * 0.5 + 1) * 1.13;
    testing::ExpectWithin(y, expected, [&](size_t i) {
      return sum_error + 1e-6 * (1 + std::abs(double{expected[i]})) +
             testing::RoundingTolerance(dtype, double{expected[i]});
    });
  }

  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
};

TEST_P(LinearTest, AgreesWithTheReference) {
  for (const int64_t rows : {1, 2, 15, 31, 32, 33, 65, 300}) {
    Check({rows, 64, 64});
    Check({rows, 96, 200});
  }
}

TEST_P(LinearTest, OddShapes) {
  for (const int64_t in : {1, 2, 3, 17, 31, 33, 80, 511, 513, 1025, 1700}) {
    for (const int64_t out : {1, 2, 16, 17, 48, 65}) Check({5, in, out});
  }
}

TEST_P(LinearTest, ActivationsBiasAndResidual) {
  for (const LinearCase& c : testing::CasesOfEveryEnding()) Check(c);
}

TEST_P(LinearTest, WeightTypes) {
  Check({3, 64, 64, Activation::kNone, true, false, DType::kF16});
  Check({3, 64, 64, Activation::kNone, true, false, DType::kBF16});
}

TEST_P(LinearTest, StridesAndResidualInPlace) {
  const DType dtype = GetParam();
  const int64_t rows = 40, in = 48, out = 40, x_stride = 60, y_stride = 57;
  const Tensor weight = RandomTensor(DType::kF32, {out, in}, 1);
  const auto linear = Linear::Create(weight.view(), kNoBias, dtype);
  ASSERT_TRUE(linear.ok());
  const Tensor x = RandomTensor(dtype, {rows, x_stride}, 2);
  Tensor y = RandomTensor(dtype, {rows, y_stride}, 3);
  const std::vector<float> before = ToFloats(y.view());
  Linear::Args args{x.view().data, x_stride, y.mutable_view().data, y_stride, rows};
  args.residual = args.y;
  ASSERT_TRUE(linear->Run(args, context_).ok());
  const std::vector<float> weights = RoundedWeights(weight), xs = ToFloats(x.view());
  std::vector<float> expected = before;  // what is between the rows must not be touched
  for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
    const auto row = absl::MakeSpan(expected).subspan(r * static_cast<size_t>(y_stride),
                                                      static_cast<size_t>(out));
    reference::Linear(
        {weights},
        absl::MakeConstSpan(xs).subspan(r * static_cast<size_t>(x_stride), static_cast<size_t>(in)),
        row, row);
  }
  testing::ExpectWithin(ToFloats(y.view()), expected, [&](size_t i) {
    const bool inside = static_cast<int64_t>(i) % y_stride < out;
    return inside ? testing::DotTolerance(in, in * 0.5) +
                        testing::RoundingTolerance(dtype, double{expected[i]}) + 1e-6
                  : 0;
  });
}

// What a row becomes depends neither on what it is batched with and where, nor on the threads: same
// bits.
TEST_P(LinearTest, ARowDoesNotDependOnTheOthers) {
  const DType dtype = GetParam();
  const int64_t in = 768, out = 100, max_rows = 300;
  const Tensor weight = RandomTensor(DType::kF32, {out, in}, 1);
  const auto linear = Linear::Create(weight.view(), kNoBias, dtype);
  ASSERT_TRUE(linear.ok());
  const Tensor x = RandomTensor(dtype, {max_rows, in}, 2);
  Tensor alone(dtype, {max_rows, out}), together(dtype, {max_rows, out});
  const auto element = static_cast<int64_t>(ByteSize(dtype));
  // Rows from `first` on.
  const auto run = [&](int64_t first, int64_t rows, Tensor& y, ExecutionContext& context) {
    Linear::Args args{static_cast<const char*>(x.view().data) + first * in * element, in,
                      static_cast<char*>(y.mutable_view().data) + first * out * element, out, rows};
    args.activation = Activation::kGeluErf;
    EXPECT_TRUE(linear->Run(args, context).ok());
  };
  for (int64_t row = 0; row < max_rows; ++row) run(row, 1, alone, context_);

  ThreadPool one_thread(1);
  ExecutionContext one_context(&one_thread);
  for (int64_t rows = 1; rows <= 70; ++rows) {
    for (ExecutionContext* context : {&context_, &one_context}) {
      for (const int64_t first : {int64_t{0}, max_rows - rows}) {
        run(first, rows, together, *context);
        const auto offset = static_cast<std::ptrdiff_t>(first * out * element);
        EXPECT_EQ(std::memcmp(static_cast<const char*>(together.view().data) + offset,
                              static_cast<const char*>(alone.view().data) + offset,
                              static_cast<size_t>(rows * out * element)),
                  0)
            << rows << " rows from " << first << ", " << context->threads().num_threads()
            << " threads";
      }
    }
  }
  run(0, max_rows, together, context_);
  EXPECT_EQ(std::memcmp(together.view().data, alone.view().data, together.view().num_bytes()), 0);
}

TEST_P(LinearTest, RepeatedShapesMakeNoKernels) {
  const Tensor weight = RandomTensor(DType::kF32, {64, 64}, 1);
  const auto linear = Linear::Create(weight.view(), kNoBias, GetParam());
  ASSERT_TRUE(linear.ok());
  const Tensor x = RandomTensor(GetParam(), {256, 64}, 2);
  Tensor y(GetParam(), {256, 64});
  Linear::Args args{x.view().data, 64, y.mutable_view().data, 64, 0};
  const auto run_all = [&] {
    for (args.rows = 0; args.rows <= 256; ++args.rows) {
      ASSERT_TRUE(linear->Run(args, context_).ok());
    }
  };
  run_all();
  const auto misses = context_.onednn().kernels().statistics().misses;
  EXPECT_LE(misses, 6);  // 32 rows, and the powers of two that make up fewer
  run_all();
  EXPECT_EQ(context_.onednn().kernels().statistics().misses, misses);
}

INSTANTIATE_TEST_SUITE_P(DTypes, LinearTest, ::testing::Values(DType::kF32, DType::kBF16),
                         [](const auto& dtype) { return std::string(Name(dtype.param)); });

TEST(LinearCreateTest, NamesWhatIsWrong) {
  const Tensor weight = RandomTensor(DType::kF32, {4, 3}, 1);
  const auto message = [](const absl::StatusOr<Linear>& linear) {
    return std::string(linear.status().message());
  };
  EXPECT_EQ(
      message(Linear::Create({weight.view().data, DType::kF32, Shape({12})}, kNoBias, DType::kF32)),
      "weight is f32 [12], a linear layer needs f32, bf16 or f16 of shape [out, in], both at "
      "least 1");
  EXPECT_EQ(message(Linear::Create({weight.view().data, DType::kI64, Shape({2, 3})}, kNoBias,
                                   DType::kF32)),
            "weight is i64 [2, 3], a linear layer needs f32, bf16 or f16 of shape [out, in], both "
            "at least 1");
  EXPECT_EQ(message(Linear::Create({nullptr, DType::kF32, Shape({0, 3})}, kNoBias, DType::kF32)),
            "weight is f32 [0, 3], a linear layer needs f32, bf16 or f16 of shape [out, in], both "
            "at least 1");
  EXPECT_EQ(message(Linear::Create(weight.view(), {weight.view().data, DType::kF32, Shape({3})},
                                   DType::kF32)),
            "bias is f32 [3], a weight of [4, 3] needs f32, bf16 or f16 of shape [4]");
  EXPECT_EQ(message(Linear::Create(weight.view(), kNoBias, DType::kF16)),
            "compute type f16; it is f32 or bf16");
}

TEST(LinearCreateTest, SaysWhatItHolds) {
  const Tensor weight = RandomTensor(DType::kF16, {40, 30}, 1);
  const auto linear = Linear::Create(weight.view(), kNoBias, DType::kF32);
  ASSERT_TRUE(linear.ok());
  EXPECT_EQ(linear->in_features(), 30);
  EXPECT_EQ(linear->out_features(), 40);
  EXPECT_EQ(linear->types().activations, DType::kF32);
  EXPECT_EQ(linear->types().weights, DType::kF32);
  EXPECT_GE(linear->packed_bytes(), 40u * 30 * 4);
}

}  // namespace
}  // namespace attentiond
