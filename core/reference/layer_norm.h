// core/reference/layer_norm.h -- layer normalisation of a row.
#pragma once

#include "absl/types/span.h"

namespace attentiond::reference {

/// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta with mean and biased variance in
/// double. All of one size, at least 1; y may be x.
void LayerNorm(absl::Span<const float> x, absl::Span<const float> gamma,
               absl::Span<const float> beta, double epsilon, absl::Span<float> y);

}  // namespace attentiond::reference
