// core/reference/softmax.h -- softmax of a row.
#pragma once

#include "absl/types/span.h"

namespace attentiond::reference {

/// In place: x_i = exp(x_i - max) / sum, summed in double. -inf becomes 0; all -inf, all 0.
void Softmax(absl::Span<float> row);

}  // namespace attentiond::reference
