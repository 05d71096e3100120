#include "core/reference/linear.h"

#include "core/reference/activation.h"

namespace attentiond::reference {

void Linear(const LinearLayer& layer, absl::Span<const float> x, absl::Span<const float> residual,
            absl::Span<float> y) {
  for (size_t out = 0; out < y.size(); ++out) {
    double sum = layer.bias.empty() ? 0.0 : double{layer.bias[out]};
    for (size_t in = 0; in < x.size(); ++in) {
      sum += double{x[in]} * double{layer.weight[out * x.size() + in]};
    }
    sum = Activate(layer.activation, sum);
    if (!residual.empty()) sum += double{residual[out]};
    y[out] = static_cast<float>(sum);
  }
}

}  // namespace attentiond::reference
