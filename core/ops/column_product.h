// core/ops/column_product.h -- products of attention's tiles in bf16 on the matrix unit. Private to
// core/ops.
//
// Scores are K Q^T and sums V^T P^T: many tiles of A by one or two of B, two by two at a time.
#pragma once

#include <cstdint>

namespace attentiond {

/// Tiles [16][32] of bf16 of a matrix, each contiguous.
struct TileOperand {
  const char* data = nullptr;
  int64_t step = 0;  ///< bytes between tiles along the depth
  int64_t next = 0;  ///< bytes between tiles across it
};

/// Tiles [16, 16] of f32, each contiguous; floats between those of neighbouring tiles of A and of
/// B.
struct TileSums {
  float* data = nullptr;
  int64_t a_stride = 0, b_stride = 0;

  float* at(int64_t a, int64_t b) const { return data + a * a_stride + b * b_stride; }
};

/// C = A B, or C += A B.
struct ColumnProduct {
  TileOperand a, b;
  int64_t a_tiles = 0;
  int64_t b_tiles = 0;  ///< 1 or 2
  int64_t depth = 0;    ///< in tiles, at least 1
  bool zero = false;    ///< C = A B
  TileSums c;
};

/// The last tiles of a product, which are in the matrix unit's registers. They are stored when the
/// first tiles of the next product have been asked for: the processor does not load past a store
/// that waits for its sums, and the matrix unit would wait for both.
struct HeldSums {
  TileSums sums;
  int64_t a_tiles = 0, b_tiles = 0;  ///< 1 or 2; 0: nothing is held
};

/// Multiplies with the calling thread's tile registers, all of 16 rows. Stores what is held first,
/// then holds the product's own last sums.
void MultiplyColumns(const ColumnProduct& product, HeldSums* held);

/// Before sums are read that may be held, and before the tile registers are given up.
void StoreHeldSums(HeldSums* held);

}  // namespace attentiond
