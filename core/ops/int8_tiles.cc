#include "core/ops/int8_tiles.h"

#include <algorithm>

namespace attentiond {
namespace {

// Rows that are finished at a time: fewer would spend more on calling than on finishing.
constexpr int64_t kFinishedAtOnce = 8;

constexpr int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

void Int8TileMultiplier::FinishRows(int64_t count) {
  count = std::min(count, pending_.rows - finished_rows_);
  if (count <= 0) return;
  finish_pending_(pending_, finished_rows_, count);
  finished_rows_ += count;
}

// Registers 0 to 3 hold the sums of two by two tiles, 4 and 5 tiles of X, 6 and 7 of the panel.
template <int kRowTiles, bool kOnlyBlock>
void Int8TileMultiplier::MultiplyBlock(const Int8TileProduct& product, const uint8_t* x,
                                       int32_t* sums) {
  using Tile = TileRegisters;
  constexpr int64_t kTileColumns = 16, kTileBytes = Tile::kRows * Tile::kRowBytes;
  constexpr int64_t kPanelStride = kColumns * 4, kSumsStride = kColumns * sizeof(int32_t);
  // Every row begins with the same sums.
  Tile::Load<0>(product.first_sums, 0);
  Tile::Load<1>(product.first_sums + kTileColumns, 0);
  if constexpr (kRowTiles > 1) {
    Tile::Load<2>(product.first_sums, 0);
    Tile::Load<3>(product.first_sums + kTileColumns, 0);
  }
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
  const int64_t steps = product.depth / kInt8Piece;
  for (int64_t step = 0; step < steps; ++step) {
    load_panel.template operator()<6>(panel);
    load_x.template operator()<4>(x);
    Tile::MultiplyBytes<0, 4, 6>();
    load_panel.template operator()<7>(panel + Tile::kRowBytes);
    Tile::MultiplyBytes<1, 4, 7>();
    if constexpr (kRowTiles > 1) {
      load_x.template operator()<5>(x + kTileBytes);
      Tile::MultiplyBytes<2, 5, 6>();
      Tile::MultiplyBytes<3, 5, 7>();
    }
    panel += Tile::kRows * kPanelStride;
    x += 2 * kTileBytes;
    for (int64_t line = 0; line < prefetch_lines_a_step_; ++line, prefetch_ += 64) {
      __builtin_prefetch(prefetch_, 0, 2);
    }
    if (step % steps_a_finish_ == 0) {
      to_write_.Prefetch(kFinishedAtOnce);
      FinishRows(kFinishedAtOnce);
    }
  }
  Tile::Store<0>(sums, kSumsStride);
  Tile::Store<1>(sums + kTileColumns, kSumsStride);
  if constexpr (kRowTiles > 1) {
    Tile::Store<2>(sums + Tile::kRows * kColumns, kSumsStride);
    Tile::Store<3>(sums + Tile::kRows * kColumns + kTileColumns, kSumsStride);
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
    Flush();
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
