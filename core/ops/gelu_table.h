// core/ops/gelu_table.h -- the normal distribution's tail as polynomials, for vectors of 16 floats.
// Private to core/ops.
#pragma once

#include <array>
#include <cstddef>

namespace attentiond {

/// Phi(-a) for 0 <= a <= kEnd: segment n is centred on a = n kWidth, and its polynomial is in
/// r = a - n kWidth, -kWidth / 2 <= r <= kWidth / 2. Absolute error 2.5e-8 with five terms, for
/// f32, 7e-7 with four, for bf16. At kEnd it is 5e-15.
template <int kNumTerms>
struct GeluTable {
  static constexpr int kSegments = 32;  // as many as two registers have floats
  static constexpr int kTerms = kNumTerms;
  static constexpr float kWidth = 0.25f;
  static constexpr float kEnd = (kSegments - 1) * kWidth;

  /// coefficients[k][n] multiplies r^k in segment n.
  alignas(64) std::array<std::array<float, kSegments>, kTerms> coefficients;

  /// Made at the first call.
  static const GeluTable& Get();
};

}  // namespace attentiond
