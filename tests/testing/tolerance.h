// tests/testing/tolerance.h -- how far a kernel may be from the reference, and why.
//
// u is the unit roundoff: half the distance from 1 to the next number of a type, 2^-p for p
// significant bits.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "core/tensor/dtype.h"

namespace attentiond::testing {

constexpr double UnitRoundoff(DType dtype) {
  switch (dtype) {
    case DType::kBF16:
      return 0x1p-8;
    case DType::kF16:
      return 0x1p-11;
    default:
      return 0x1p-24;
  }
}

/// The error of a dot product of n terms summed in f32 in any order, when the sum of the terms'
/// magnitudes is `magnitude`.
///
/// The certain bound n u magnitude is hardly ever approached: roundings are as good as independent
/// and add up like sqrt(n). lambda sqrt(n) u magnitude holds with probability 1 - 2 exp(-lambda^2 /
/// 2); lambda = 8 fails once in 10^13.
/// Source: Higham and Mary 2019, doi:10.1137/18M1226312, theorem 3.1.
inline double DotTolerance(int64_t terms, double magnitude) {
  return 8 * std::sqrt(static_cast<double>(terms)) * UnitRoundoff(DType::kF32) * magnitude;
}

/// The error of rounding a result of about `value` to `dtype`: u relative, and the smallest
/// subnormal of f16 when that is the type.
inline double RoundingTolerance(DType dtype, double value) {
  return 1.01 * UnitRoundoff(dtype) * std::abs(value) + (dtype == DType::kF16 ? 0x1p-25 : 0x1p-140);
}

/// What decides how far an attention kernel may be from the reference.
struct AttentionMagnitudes {
  DType probabilities = DType::kF32;  ///< the type that probabilities are multiplied in
  int64_t head_dim = 0, keys = 0;
  double products = 0;   ///< the largest sum_d |q_d k_d| scale
  double scores = 0;     ///< the largest |score|
  double max_value = 0;  ///< the largest |v|
};

/// The error of a log-sum-exp, or of a score: of the product, its scaling, capping and bias.
inline double AttentionScoreTolerance(const AttentionMagnitudes& m) {
  return DotTolerance(m.head_dim, m.products) + 8 * UnitRoundoff(DType::kF32) * (m.scores + 1) +
         1e-7;  // the logarithm
}

/// The error of a probability p is p times this: exp turns the absolute error of its own score and
/// of the maximum's into a relative one, the exponential is good to two units in the last place,
/// and the sum of `keys` positive numbers is off by a dot product's error.
inline double AttentionRelativeTolerance(const AttentionMagnitudes& m) {
  return 2 * AttentionScoreTolerance(m) + DotTolerance(m.keys, 1) + 8 * UnitRoundoff(DType::kF32);
}

/// The error of an output, before it is rounded to its type: that of the probabilities, once more
/// when they are rounded to bf16, and of the products' sum. Probabilities sum to 1, so each counts
/// by the largest value.
inline double AttentionTolerance(const AttentionMagnitudes& m) {
  const double rounding =
      m.probabilities == DType::kBF16 ? UnitRoundoff(DType::kBF16) : UnitRoundoff(DType::kF32);
  return m.max_value * (AttentionRelativeTolerance(m) + rounding + DotTolerance(m.keys, 1));
}

/// Expects |actual[i] - expected[i]| <= tolerance(i) for every i, and reports the element that is
/// off the most in relation to its tolerance. Equal infinities are no difference; NaN always is.
inline void ExpectWithin(const std::vector<float>& actual, const std::vector<float>& expected,
                         const std::function<double(size_t)>& tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  size_t worst = 0;
  double worst_ratio = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    if (actual[i] == expected[i]) continue;
    const double difference = std::abs(double{actual[i]} - double{expected[i]});
    const double ratio = difference / tolerance(i);
    if (std::isnan(ratio) || ratio > worst_ratio) {
      worst = i;
      worst_ratio = std::isnan(ratio) ? HUGE_VAL : ratio;
    }
  }
  EXPECT_LE(worst_ratio, 1) << "element " << worst << " of " << actual.size() << ": actual "
                            << actual[worst] << ", expected " << expected[worst] << " within "
                            << tolerance(worst);
}

}  // namespace attentiond::testing
