// core/ops/embedding.h -- sums of rows of embedding tables.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "core/ops/execution_context.h"
#include "core/tensor/tensor.h"

namespace attentiond {

/// One table and the row of it that each token takes.
struct EmbeddingLookup {
  TensorView table;                 ///< [entries, width], f32, f16 or bf16
  absl::Span<const int32_t> index;  ///< [tokens], each in [0, entries): validated by the caller
  float scale = 1;                  ///< multiplies the row
};

/// y[t,:] = sum over lookups of scale * table[index[t],:], summed in f32, stored as `dtype` (kF32
/// or kBF16), rows `y_stride` elements apart.
void Embed(absl::Span<const EmbeddingLookup> lookups, DType dtype, void* y, int64_t y_stride,
           ExecutionContext& context);

}  // namespace attentiond
