// server/inference/cross_attention.h -- what a text's tokens looked at, brought down to one map.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "core/generate/generation.h"

namespace attentiond {

/// The mean over layers and heads of the best sequence's cross-attention: [its tokens, source
/// tokens]. kInternal: there is none, or not of those sizes.
absl::StatusOr<std::vector<float>> MeanCrossAttention(const GenerationResult& result);

/// The side of the square of patches among an image's `source_length` tokens; the one or two before
/// them stand for the whole. 0: that is no such number.
int64_t PatchGridSide(int64_t source_length);

}  // namespace attentiond
