// core/reference/linear.h -- a linear layer of one row.
#pragma once

#include "absl/types/span.h"
#include "core/tensor/activation_kind.h"

namespace attentiond::reference {

/// A linear layer, row-major as a checkpoint has it.
struct LinearLayer {
  absl::Span<const float> weight;     ///< [y.size(), x.size()]
  absl::Span<const float> bias = {};  ///< [y.size()], or empty: none
  Activation activation = Activation::kNone;
};

/// y = activation(x W^T + b) + residual, summed in double and rounded once. `residual` is of y's
/// size, or empty: none; it may be y.
void Linear(const LinearLayer& layer, absl::Span<const float> x, absl::Span<const float> residual,
            absl::Span<float> y);

}  // namespace attentiond::reference
