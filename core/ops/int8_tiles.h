// core/ops/int8_tiles.h -- panels of an int8 linear layer multiplied by the matrix unit. Private to
// core/ops.
//
// A panel of 32 columns stays in the first-level cache while the rows pass by, 32 at a time, in the
// order in which they lie in memory. One tile is scaled, activated and stored while the next is
// multiplied.
#pragma once

#include <array>
#include <cstdint>

#include "core/ops/int8_kernels.h"
#include "core/ops/prefetch.h"
#include "core/ops/tile_registers.h"
#include "core/tensor/aligned_buffer.h"

namespace attentiond {

/// Some rows of X times one panel of W^T.
struct Int8TileProduct {
  const uint8_t* x = nullptr;           ///< whole blocks, as Int8Rows has them for the matrix unit
  int64_t depth = 0;                    ///< a multiple of kInt8Piece
  const int8_t* panel = nullptr;        ///< [depth / 4][32][4], the next panel follows
  const int32_t* first_sums = nullptr;  ///< [32], what the sums begin with
  FinishInt8Rows finish = nullptr;
  Int8Sums result;  ///< whose sums are not used
};

/// Multiplies on the calling thread, in a scope.
class Int8TileMultiplier {
 public:
  static constexpr int64_t kColumns = 32;

  /// The last tile's results may stay pending until the next product or Flush().
  void Multiply(const Int8TileProduct& product);
  void Flush() {
    StoreHeldSums();
    FinishRows(pending_.rows);
  }

 private:
  static constexpr int64_t kBlockRows = 2 * TileRegisters::kRows;

  void StoreHeldSums();
  template <int kSum>
  void BeginSum(const int32_t* first_sums);
  template <int kRowTiles, bool kOnlyBlock>
  void MultiplyBlock(const Int8TileProduct& product, const uint8_t* x, int32_t* sums);
  // Finishes the next `count` rows of what is pending.
  void FinishRows(int64_t count);

  TileRegisters registers_;
  int32_t* held_sums_ = nullptr;  // what the last block left in the registers belongs there
  Int8Sums pending_;
  FinishInt8Rows finish_pending_ = nullptr;
  int64_t finished_rows_ = 0;
  int64_t steps_a_finish_ = 1;
  const int8_t* prefetch_ = nullptr;
  int64_t prefetch_lines_a_step_ = 0;
  RowsToWrite to_write_;  // of the tile that is multiplied
  size_t next_tile_ = 0;
  alignas(
      AlignedBuffer::kAlignment) std::array<std::array<int32_t, kBlockRows * kColumns>, 2> tiles_;
};

}  // namespace attentiond
