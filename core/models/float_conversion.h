// core/models/float_conversion.h -- between the float types of checkpoints, activations and
// results.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "core/tensor/half.h"
#include "core/tensor/tensor.h"

namespace attentiond {

/// Converts the elements of `from` (f32, f16 or bf16, not necessarily aligned) that start at index
/// `begin`, as many as `to` holds. Exact.
void ToFloats(const TensorView& from, int64_t begin, absl::Span<float> to);

/// Rounds `from` to bf16, to nearest with ties to even.
void ToBFloat16s(absl::Span<const float> from, BFloat16* to);

}  // namespace attentiond
