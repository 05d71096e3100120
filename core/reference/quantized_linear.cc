#include "core/reference/quantized_linear.h"

#include <cmath>
#include <limits>

#include "core/reference/activation.h"

namespace attentiond::reference {

QuantizedRow Quantize(absl::Span<const float> row) {
  QuantizedRow quantized{std::vector<int8_t>(row.size())};
  float largest = 0;
  for (const float x : row) {
    // Written so that a NaN becomes the largest, and stays it.
    if (!(std::abs(x) <= largest)) largest = std::abs(x);
    if (std::isnan(x)) break;
  }
  if (largest < kSmallestQuantized) return quantized;
  if (!std::isfinite(largest)) {
    quantized.scale = std::numeric_limits<float>::quiet_NaN();
    return quantized;
  }
  quantized.scale = largest / 127;
  const float inverse = 127 / largest;
  for (size_t i = 0; i < row.size(); ++i) {
    // The product of two floats is exact in double: rounded once.
    quantized.values[i] = static_cast<int8_t>(std::nearbyint(double{row[i]} * double{inverse}));
  }
  return quantized;
}

void QuantizedLinear(const QuantizedLinearLayer& layer, const QuantizedRow& x,
                     absl::Span<const float> residual, absl::Span<float> y) {
  for (size_t out = 0; out < y.size(); ++out) {
    const QuantizedRow& weight = layer.weight[out];
    int64_t sum = 0;
    for (size_t in = 0; in < x.values.size(); ++in) {
      sum += int64_t{x.values[in]} * int64_t{weight.values[in]};
    }
    double value = static_cast<double>(sum) * double{x.scale} * double{weight.scale};
    if (!layer.bias.empty()) value += double{layer.bias[out]};
    value = Activate(layer.activation, value);
    if (!residual.empty()) value += double{residual[out]};
    y[out] = static_cast<float>(value);
  }
}

}  // namespace attentiond::reference
