// core/models/seq2seq/sinusoids.h -- tables of positions that are computed, not learned.
#pragma once

#include <cstdint>

#include "core/models/seq2seq/stack_config.h"
#include "core/tensor/tensor.h"

namespace attentiond {

/// [rows, width] of f32 as `kind` says: sines of a position in the first half of the channels,
/// cosines in the second. Row `padding_id` of kSinusoidsWithPadding is zeros.
/// Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5; with padding, the frequencies of
/// tensor2tensor.
Tensor MakeSinusoids(PositionTable kind, int64_t rows, int64_t width, int64_t padding_id);

}  // namespace attentiond
