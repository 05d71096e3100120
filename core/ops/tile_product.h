// core/ops/tile_product.h -- panels of a bf16 linear layer multiplied by the matrix unit. Private to
// core/ops.
//
// Why not the micro-kernels: those of oneDNN read 32 columns at a time through whole depths, which
// do not fit the first-level cache, need a kernel for each number of rows, and leave the vector
// units idle while the matrix unit works. Here 32 rows by 48 columns take six of the eight
// registers, a piece of the panel stays in the first-level cache while all rows pass by, and one
// tile is biased, activated and stored while the next is multiplied.
#pragma once

#include <array>
#include <cstdint>

#include "core/ops/row_kernels.h"
#include "core/ops/tile_registers.h"
#include "core/tensor/aligned_buffer.h"

namespace attentiond {

/// Some rows of X times one panel of W^T. What becomes of the sums is `result`, whose tile is not
/// used and whose rows are these.
struct TileProduct {
  const char* x = nullptr;  ///< [rows, depth] of bf16
  int64_t x_stride = 0;     ///< bytes
  const char* panel = nullptr;  ///< [depth / 2][columns][2] of bf16, the next panel follows
  int64_t depth = 0;            ///< a multiple of 32
  int64_t columns = 0;          ///< of the panel: 16, 32 or 48
  TileResult result;
};

/// Multiplies on the calling thread, in a scope. About 70 KiB: not for the stack of a small thread.
class TileMultiplier {
 public:
  static constexpr int64_t kMaxRows = 256;  ///< of one product
  static constexpr int64_t kMaxColumns = 48;
  static constexpr int64_t kDepthStep = 32;

  /// The last tile's results may stay pending until the next product or Flush().
  void Multiply(const TileProduct& product);
  void Flush() { Finish(pending_.rows); }

 private:
  static constexpr int64_t kBlockRows = 2 * TileRegisters::kRows;
  struct Pass;

  template <int kRowTiles, int kColumnTiles>
  void MultiplyBlock(const Pass& pass, const char* x, const float* from, float* to);
  template <int kColumnTiles>
  void MultiplyPass(Pass pass);
  // Finishes the next `rows` of what is pending.
  void Finish(int64_t rows);

  TileRegisters registers_;
  TileResult pending_;
  size_t next_tile_ = 0;
  alignas(AlignedBuffer::kAlignment)
      std::array<std::array<float, kBlockRows * kMaxColumns>, 2> tiles_;
  // The sums of all rows so far, between the pieces of the depth.
  alignas(AlignedBuffer::kAlignment) std::array<float, kMaxRows * kMaxColumns> sums_;
};

}  // namespace attentiond
