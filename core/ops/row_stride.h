// core/ops/row_stride.h -- how far apart the rows of activations lie.
#pragma once

#include <cstdint>

#include "core/tensor/dtype.h"

namespace attentiond {

/// Elements of `dtype` from a row of `width` to the next: an odd number of cache lines. Rows that
/// are powers of two apart would compete for few places in the first-level cache, where a product
/// wants 16 or 32 of them at once.
inline int64_t RowStride(int64_t width, DType dtype) {
  const int64_t line = 64 / static_cast<int64_t>(ByteSize(dtype));
  return ((width + line - 1) / line | 1) * line;
}

/// Moves `count` rows that are RowStride() apart together: [count, width].
void CloseGaps(void* rows, int64_t count, int64_t width, DType dtype);

}  // namespace attentiond
