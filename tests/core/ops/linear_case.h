// tests/core/ops/linear_case.h -- linear layers of random values, whatever their weights are packed
// as: what the tests of each packing run, and compare with its reference.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "core/ops/linear.h"
#include "tests/testing/random_tensor.h"

namespace attentiond::testing {

inline const TensorView kNoBias{nullptr, DType::kF32, Shape({0})};

struct LinearCase {
  int64_t rows = 1, in = 1, out = 1;
  Activation activation = Activation::kNone;
  bool bias = true, residual = false;
  DType weight_dtype = DType::kF32;  ///< the checkpoint's
};

/// Every activation, with and without a bias and a residual.
inline std::vector<LinearCase> CasesOfEveryEnding() {
  std::vector<LinearCase> cases;
  for (const Activation activation :
       {Activation::kNone, Activation::kGeluErf, Activation::kGeluTanh, Activation::kRelu,
        Activation::kSilu, Activation::kTanh}) {
    for (const bool bias : {false, true}) {
      for (const bool residual : {false, true}) {
        cases.push_back({33, 40, 70, activation, bias, residual});
      }
    }
  }
  return cases;
}

/// What a case is made of; magnitudes below 1.
struct LinearOperands {
  LinearOperands(const LinearCase& c, DType activations)
      : weight(RandomTensor(c.weight_dtype, {c.out, c.in}, 1)),
        bias(RandomTensor(DType::kF32, {c.out}, 2)),
        x(RandomTensor(activations, {c.rows, c.in}, 3)),
        residual(RandomTensor(activations, {c.rows, c.out}, 4)),
        biases(c.bias ? ToFloats(bias.view()) : std::vector<float>()),
        residuals(c.residual ? ToFloats(residual.view()) : std::vector<float>()) {}

  /// Empty without one.
  absl::Span<const float> ResidualOf(size_t row) const {
    const auto out = static_cast<size_t>(residual.shape().dim(1));
    return residuals.empty() ? absl::Span<const float>()
                             : absl::MakeConstSpan(residuals).subspan(row * out, out);
  }

  Tensor weight, bias, x, residual;
  std::vector<float> biases, residuals;  ///< empty in a case without
};

/// y, [rows, out], of weights packed as `packed`. What fails fails the test.
inline std::vector<float> RunLinear(const LinearCase& c, const LinearOperands& operands,
                                    DType packed, ExecutionContext& context) {
  const DType dtype = operands.x.dtype();
  const auto linear = Linear::Create(operands.weight.view(),
                                     c.bias ? operands.bias.view() : kNoBias, {dtype, packed});
  EXPECT_TRUE(linear.ok()) << linear.status();
  if (!linear.ok()) return {};
  Tensor y(dtype, {c.rows, c.out});
  const absl::Status status =
      linear->Run({.x = operands.x.view().data,
                   .x_stride = c.in,
                   .y = y.mutable_view().data,
                   .y_stride = c.out,
                   .rows = c.rows,
                   .activation = c.activation,
                   .residual = c.residual ? operands.residual.view().data : nullptr},
                  context);
  EXPECT_TRUE(status.ok()) << status;
  return ToFloats(y.view());
}

}  // namespace attentiond::testing
