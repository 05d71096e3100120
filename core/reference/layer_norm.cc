#include "core/reference/layer_norm.h"

#include <cmath>

namespace attentiond::reference {

void LayerNorm(absl::Span<const float> x, absl::Span<const float> gamma,
               absl::Span<const float> beta, double epsilon, absl::Span<float> y) {
  const double width = static_cast<double>(x.size());
  double mean = 0;
  for (const float value : x) mean += double{value};
  mean /= width;
  double variance = 0;
  for (const float value : x) variance += (double{value} - mean) * (double{value} - mean);
  variance /= width;
  const double inverse = 1 / std::sqrt(variance + epsilon);
  for (size_t i = 0; i < x.size(); ++i) {
    const double normed = (double{x[i]} - mean) * inverse;
    y[i] = static_cast<float>(normed * double{gamma[i]} + double{beta[i]});
  }
}

}  // namespace attentiond::reference
