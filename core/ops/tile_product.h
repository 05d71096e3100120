// core/ops/tile_product.h -- panels of a bf16 linear layer multiplied by the matrix unit. Private
// to core/ops.
//
// Why not oneDNN's micro-kernels: they pass whole depths through the first-level cache, need a
// kernel for each number of rows, and leave the vector units idle while the matrix unit works. Here
// 32 rows by 48 columns take six of the eight registers; the depth comes in pieces, so that a piece
// of the panel is used twice while it is in the first-level cache; rows are loaded past that cache,
// where they would take the place of the panel and the sums; and one block is biased,
// activated and stored while the next is multiplied.
#pragma once

#include <array>
#include <cstdint>

#include "core/ops/prefetch.h"
#include "core/ops/row_kernels.h"
#include "core/ops/tile_registers.h"
#include "core/tensor/aligned_buffer.h"

namespace attentiond {

/// Some rows of X times one panel of W^T. What becomes of the sums is `result`, whose tile is not
/// used and whose rows are these.
struct TileProduct {
  const char* x = nullptr;      ///< [rows, depth] of bf16
  int64_t x_stride = 0;         ///< bytes
  const char* panel = nullptr;  ///< [depth / 2][columns][2] of bf16
  int64_t depth = 0;            ///< a multiple of 32
  int64_t columns = 0;          ///< of the panel: 16, 32 or 48
  /// What will be multiplied after this panel, to be fetched meanwhile; as large as this one.
  const char* next_panel = nullptr;
  TileResult result;
  FinishRows finish = nullptr;  ///< ChooseFinishRows() of the result

  /// Where the sums of a depth that comes in slices, one Multiply() each, are kept meanwhile: whole
  /// blocks of kBlockRows rows of kMaxColumns sums. nullptr: this is the whole depth.
  float* partial_sums = nullptr;
  bool first_slice = true, last_slice = true;  ///< only the last one's sums become results
};

/// Multiplies on the calling thread, in a scope.
class TileMultiplier {
 public:
  static constexpr int64_t kMaxColumns = 48;
  static constexpr int64_t kDepthStep = 32;
  static constexpr int64_t kBlockRows = 4 * TileRegisters::kRows;  ///< multiplied together

  /// The last rows' results may stay pending until the next product or Flush(); so long
  /// `partial_sums` are in use.
  void Multiply(const TileProduct& product);
  void Flush() {
    StoreHeldSums();
    FinishPending();
  }

 private:
  static constexpr int64_t kTileRows = TileRegisters::kRows;
  struct Block;

  void FinishPending() {
    if (pending_.rows > 0) finish_pending_(pending_.rows, &pending_);
  }
  void StoreHeldSums();
  // Comes before everything that is not MultiplyWholeTiles().
  void SetRows(int64_t first, int64_t second) {
    StoreHeldSums();
    registers_.SetRows(first, second);
  }
  template <int kSum>
  void BeginSum(bool zero, const float* sums);
  template <bool kFirst>
  void MultiplyWholeStep(const Block& block, const char* x, const char* b, bool zero,
                         const float* sums);
  void MultiplyWholeTiles(const Block& block, int64_t row, int64_t first_step, int64_t end_step);
  // What is done meanwhile.
  void EndStep(const Block& block);

  template <int kRowTiles, int kColumnTiles, bool kInPieces>
  void MultiplyTiles(const Block& block, int64_t row, int64_t column, int64_t first_step,
                     int64_t end_step);
  template <int kColumnTiles, bool kInPieces>
  void MultiplyUneven(const Block& block, int64_t row, int64_t first_step, int64_t end_step);
  template <int kColumnTiles, bool kInPieces>
  void MultiplyPiece(const Block& block, int64_t first_step, int64_t end_step);
  template <int kColumnTiles>
  void MultiplyBlock(const Block& block);

  TileRegisters registers_;
  float* held_sums_ = nullptr;  // what MultiplyWholeTiles() left in the registers belongs there
  TileResult pending_;
  FinishRows finish_pending_ = nullptr;
  const char* prefetch_ = nullptr;
  RowsToWrite to_write_;  // of the block that is multiplied
  size_t next_sums_ = 0;
  // Of a block and of the one that is pending.
  alignas(
      AlignedBuffer::kAlignment) std::array<std::array<float, kBlockRows * kMaxColumns>, 2> sums_;
};

}  // namespace attentiond
