// core/ops/attention_packing.h -- lays queries, keys and values out as micro-kernels read them.
// Private to core/ops.
#pragma once

#include <cstdint>

#include "core/tensor/dtype.h"

namespace attentiond {

/// The tokens of one head of one sequence: [tokens, channels].
struct HeadRows {
  const void* data = nullptr;  ///< token 0
  int64_t stride = 0;          ///< elements between tokens
  int64_t channels = 0;
  DType dtype = DType::kF32;  ///< kF32, kBF16 or kF16

  const void* row(int64_t token) const {
    return static_cast<const char*>(data) + token * stride * static_cast<int64_t>(ByteSize(dtype));
  }
};

/// A panel to fill for the micro-kernels, of type kF32 or kBF16.
struct Panel {
  void* data = nullptr;
  DType dtype = DType::kF32;
  int64_t keys = 0;   ///< a multiple of 16; zeros past the last token
  int64_t width = 0;  ///< channels, zeros past the head's: a multiple of 16
};

/// Fills rows [width] of type `dtype` (kF32; kBF16 when the head is bf16), `row_stride` elements
/// apart, with the channels of the tokens first, first + 1, ..., and zeros.
void CopyTokens(const HeadRows& head, int64_t first, int64_t count, DType dtype, int64_t width,
                int64_t row_stride, void* rows);

/// Fills [width / g][keys][g], g = onednn::BGroup: the transposed keys first, first + 1, ...
void PackKeys(const HeadRows& keys, int64_t first, int64_t count, const Panel& panel);

/// Fills [keys / 16][width / 32][16][32] of bf16, as the head is: the keys first, first + 1, ...;
/// the width is what its channels are rounded up to.
void PackKeyTiles(const HeadRows& keys, int64_t first, int64_t count, const Panel& panel);

/// Fills [keys / g][width][g]: the values first, first + 1, ...
void PackValues(const HeadRows& values, int64_t first, int64_t count, const Panel& panel);

/// Fills [keys / 32][width / 16][16][32] of bf16: the transposed values first, first + 1, ...
void PackTransposedValues(const HeadRows& values, int64_t first, int64_t count, const Panel& panel);

/// y [columns, rows] = the transposed x [rows, columns]; both are multiples of 4.
void TransposeWords(const uint32_t* x, int64_t rows, int64_t columns, uint32_t* y);

}  // namespace attentiond
