// core/ops/gelu_table.h -- the normal distribution's tail as polynomials, for vectors of 16 floats.
// Private to core/ops.
#pragma once

#include <array>
#include <cstddef>

namespace attentiond {

/// Phi(-a) for 0 <= a < kEnd, absolute error 1e-7: segment n is centred on a = n kWidth, and its
/// polynomial is in r = a / kWidth - n, -1/2 <= r <= 1/2. Beyond kEnd it is less than 3e-8.
struct GeluTable {
  static constexpr size_t kSegments = 16;  // as many as a register has floats
  static constexpr size_t kTerms = 5;
  static constexpr float kWidth = 0.35f;
  static constexpr float kEnd = (kSegments - 0.5f) * kWidth;

  /// coefficients[k][n] multiplies r^k in segment n.
  alignas(64) std::array<std::array<float, kSegments>, kTerms> coefficients;

  /// Made at the first call.
  static const GeluTable& Get();
};

}  // namespace attentiond
