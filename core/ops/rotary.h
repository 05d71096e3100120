// core/ops/rotary.h -- rotation of pairs of channels, as rotary position embeddings do it.
#pragma once

#include <cstdint>

#include "core/ops/execution_context.h"
#include "core/tensor/dtype.h"

namespace attentiond {

/// For each token, head and channel c < head_dim / 2, with d = c + head_dim / 2:
///   x[c], x[d] = x[c] cos - x[d] sin, x[d] cos + x[c] sin
/// in place, computed in f32.
struct RotateArgs {
  void* x = nullptr;          ///< [tokens, heads, head_dim] of `dtype`; heads are contiguous
  int64_t x_stride = 0;       ///< from a token to the next, in elements
  DType dtype = DType::kF32;  ///< kF32 or kBF16
  int64_t tokens = 0, heads = 0;
  int64_t head_dim = 0;              ///< even
  const float* rotations = nullptr;  ///< [tokens, head_dim]: cosines, then sines
};
/// Source: Su et al. 2021, arXiv:2104.09864. Threads: context's.
void Rotate(const RotateArgs& args, ExecutionContext& context);

}  // namespace attentiond
