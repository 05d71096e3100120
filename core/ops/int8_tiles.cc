#include "core/ops/int8_tiles.h"

#include <algorithm>

namespace attentiond {
namespace {

// Rows that are finished at a time: fewer would spend more on calling than on finishing, and more
// would leave the matrix unit with nothing to do meanwhile.
constexpr int64_t kFinishedAtOnce = 4;

constexpr int64_t kTileColumns = 16;
constexpr int64_t kSumsStride = Int8TileMultiplier::kColumns * sizeof(int32_t);

// Where a register's sums are in a block's.
template <int kSum>
constexpr int64_t SumOffset() {
  return kSum / 2 * TileRegisters::kRows * Int8TileMultiplier::kColumns + kSum % 2 * kTileColumns;
}

constexpr int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

void Int8TileMultiplier::FinishRows(int64_t count) {
  count = std::min(count, pending_.rows - finished_rows_);
  if (count <= 0) return;
  finish_pending_(pending_, finished_rows_, count);
  finished_rows_ += count;
}

// A block of one tile stores what is in the second one's registers too: nobody reads that.
void Int8TileMultiplier::StoreHeldSums() {
  if (held_sums_ == nullptr) return;
  TileRegisters::Store<0>(held_sums_ + SumOffset<0>(), kSumsStride);
  TileRegisters::Store<1>(held_sums_ + SumOffset<1>(), kSumsStride);
  TileRegisters::Store<2>(held_sums_ + SumOffset<2>(), kSumsStride);
  TileRegisters::Store<3>(held_sums_ + SumOffset<3>(), kSumsStride);
  held_sums_ = nullptr;
}

// Every row begins with the same sums. Those that the register holds are stored.
template <int kSum>
void Int8TileMultiplier::BeginSum(const int32_t* first_sums) {
  if (held_sums_ != nullptr) {
    TileRegisters::Store<kSum>(held_sums_ + SumOffset<kSum>(), kSumsStride);
  }
  TileRegisters::Load<kSum>(first_sums + kSum % 2 * kTileColumns, 0);
}

// Registers 0 to 3 hold the sums of two by two tiles, 4 and 5 tiles of X, 6 and 7 of the panel. The
// sums stay there until the next block's first tiles have been asked for, as in tile_product.cc.
template <int kRowTiles, bool kOnlyBlock>
void Int8TileMultiplier::MultiplyBlock(const Int8TileProduct& product, const uint8_t* x,
                                       int32_t* sums) {
  using Tile = TileRegisters;
  constexpr int64_t kTileBytes = Tile::kRows * Tile::kRowBytes, kPanelStride = kColumns * 4;
  // The panel is read by all blocks of rows, these by other panels much later; or the other way
  // round, where there is one block.
  const auto load_x = []<int kRegister>(const uint8_t* from) {
    kOnlyBlock ? Tile::Load<kRegister>(from, Tile::kRowBytes)
               : Tile::LoadOnce<kRegister>(from, Tile::kRowBytes);
  };
  const auto load_panel = []<int kRegister>(const int8_t* from) {
    kOnlyBlock ? Tile::LoadOnce<kRegister>(from, kPanelStride)
               : Tile::Load<kRegister>(from, kPanelStride);
  };
  const int8_t* panel = product.panel;
  load_panel.template operator()<6>(panel);
  load_x.template operator()<4>(x);
  load_panel.template operator()<7>(panel + Tile::kRowBytes);
  if constexpr (kRowTiles > 1) load_x.template operator()<5>(x + kTileBytes);
  BeginSum<0>(product.first_sums);
  BeginSum<1>(product.first_sums);
  BeginSum<2>(product.first_sums);
  BeginSum<3>(product.first_sums);
  held_sums_ = sums;
  const int64_t steps = product.depth / kInt8Piece, prefetch_lines = prefetch_lines_a_step_;
  int64_t until_finish = steps_a_finish_;
  for (int64_t step = 0; step < steps; ++step) {
    if (step > 0) {
      load_panel.template operator()<6>(panel);
      load_x.template operator()<4>(x);
    }
    Tile::MultiplyBytes<0, 4, 6>();
    if (step > 0) load_panel.template operator()<7>(panel + Tile::kRowBytes);
    Tile::MultiplyBytes<1, 4, 7>();
    if constexpr (kRowTiles > 1) {
      if (step > 0) load_x.template operator()<5>(x + kTileBytes);
      Tile::MultiplyBytes<2, 5, 6>();
      Tile::MultiplyBytes<3, 5, 7>();
    }
    panel += Tile::kRows * kPanelStride;
    x += 2 * kTileBytes;
    for (int64_t line = 0; line < prefetch_lines; ++line) {
      __builtin_prefetch(prefetch_ + line * 64, 0, 2);
    }
    prefetch_ += prefetch_lines * 64;
    if (--until_finish == 0) {
      until_finish = steps_a_finish_;
      to_write_.Prefetch(kFinishedAtOnce);
      FinishRows(kFinishedAtOnce);
    }
  }
}

void Int8TileMultiplier::Multiply(const Int8TileProduct& product) {
  registers_.SetRows(TileRegisters::kRows);
  const int64_t steps = product.depth / kInt8Piece;
  steps_a_finish_ = std::max<int64_t>(1, steps * kFinishedAtOnce / kBlockRows);
  // The next panel is fetched into the second-level cache while the rows pass by this one.
  prefetch_ = product.panel + product.depth * kColumns;
  prefetch_lines_a_step_ = CeilDivide(kColumns, CeilDivide(product.result.rows, kBlockRows));
  for (int64_t row = 0; row < product.result.rows; row += kBlockRows) {
    const int64_t rows = std::min(kBlockRows, product.result.rows - row);
    int32_t* const sums = tiles_[next_tile_].data();
    next_tile_ = 1 - next_tile_;
    const auto element = static_cast<int64_t>(ByteSize(product.result.dtype));
    const int64_t y_stride = product.result.y_stride * element, y_offset = row * y_stride;
    to_write_ = {static_cast<const char*>(product.result.y) + y_offset, rows,
                 product.result.columns * element, y_stride};
    const uint8_t* const x = product.x + row * product.depth;
    // Rows that fill a tile are multiplied too, whatever they are: nobody reads the results.
    const bool two_tiles = rows > TileRegisters::kRows;
    if (product.result.rows > kBlockRows) {
      two_tiles ? MultiplyBlock<2, false>(product, x, sums)
                : MultiplyBlock<1, false>(product, x, sums);
    } else {
      two_tiles ? MultiplyBlock<2, true>(product, x, sums)
                : MultiplyBlock<1, true>(product, x, sums);
    }
    FinishRows(pending_.rows);
    pending_ = product.result;
    pending_.sums = sums;
    pending_.sums_stride = kColumns;
    pending_.rows = rows;
    pending_.row_scales += row;
    pending_.y = static_cast<char*>(pending_.y) + y_offset;
    if (pending_.residual != nullptr) {
      pending_.residual = static_cast<const char*>(pending_.residual) + y_offset;
    }
    finish_pending_ = product.finish;
    finished_rows_ = 0;
  }
}

}  // namespace attentiond
