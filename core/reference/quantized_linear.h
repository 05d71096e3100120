// core/reference/quantized_linear.h -- a linear layer whose products are those of 8-bit integers.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "core/tensor/activation_kind.h"

namespace attentiond::reference {

/// A row of numbers as small integers times a scale: values[i] * scale.
struct QuantizedRow {
  std::vector<int8_t> values;  ///< in [-127, 127]
  float scale = 0;
};

/// Rows whose numbers are all smaller than this are taken for zeros, so that 127 / max |row| is
/// finite.
inline constexpr float kSmallestQuantized = 0x1p-100f;

/// scale = max |row| / 127, values = row / scale rounded to nearest even. A row with a NaN or an
/// infinity becomes zeros with scale NaN: whatever is made of it is NaN.
QuantizedRow Quantize(absl::Span<const float> row);

struct QuantizedLinearLayer {
  std::vector<QuantizedRow> weight;   ///< [y.size()] rows of x's size: Quantize() of W's
  absl::Span<const float> bias = {};  ///< [y.size()], or empty: none
  Activation activation = Activation::kNone;
};

/// y = activation(x W^T + b) + residual, the products' sum an integer and the rest in double,
/// rounded once. `residual` is of y's size, or empty: none; it may be y.
void QuantizedLinear(const QuantizedLinearLayer& layer, const QuantizedRow& x,
                     absl::Span<const float> residual, absl::Span<float> y);

}  // namespace attentiond::reference
