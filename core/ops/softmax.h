// core/ops/softmax.h -- softmax of short rows, such as a classifier's logits.
#pragma once

#include "absl/types/span.h"

namespace attentiond {

/// In place: x_i = exp(x_i - max) / sum. An empty row stays empty; -inf becomes 0; all -inf becomes
/// all 0.
void Softmax(absl::Span<float> row);

}  // namespace attentiond
