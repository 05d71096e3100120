#include "core/ops/tile_product.h"

#include <algorithm>

namespace attentiond {
namespace {

// Steps of the depth after which the other rows of a block have their turn. So many steps of the
// panel (3 KiB each) and the block's sums (12 KiB) stay in the first-level cache (48 KiB), which
// the rows, read once, pass by.
constexpr int64_t kPieceSteps = 8;

// With so many rows memory is all that a product waits for.
constexpr int64_t kFewRows = 12;

// Bytes between the rows of a block's sums.
constexpr int64_t kSumStride = TileMultiplier::kMaxColumns * sizeof(float);

constexpr int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

RowsToWrite ResultsOf(const TileResult& result, int64_t row, int64_t rows) {
  const auto element = static_cast<int64_t>(ByteSize(result.dtype));
  const int64_t stride = result.y_stride * element;
  return {static_cast<const char*>(result.y) + row * stride, rows, result.columns * element,
          stride};
}

}  // namespace

// Up to kBlockRows rows of a product.
struct TileMultiplier::Block {
  const char* x = nullptr;
  int64_t x_stride = 0;
  const char* panel = nullptr;
  int64_t panel_stride = 0;  // bytes between the rows of its tiles
  int64_t rows = 0;
  int64_t steps = 0;
  float* sums = nullptr;
  bool add = false;  // to what the sums are already
  int64_t prefetch_lines_a_step = 0;
  int64_t finish_rows_a_step = 0;
};

void TileMultiplier::EndStep(const Block& block) {
  for (int64_t line = 0; line < block.prefetch_lines_a_step; ++line, prefetch_ += 64) {
    __builtin_prefetch(prefetch_, 0, 2);
  }
  to_write_.Prefetch(block.finish_rows_a_step);
  if (pending_.rows > 0) {
    finish_pending_(std::min(block.finish_rows_a_step, pending_.rows), &pending_);
  }
}

// Where a register's sums are in a block's.
template <int kSum>
constexpr int64_t SumOffset() {
  return kSum / 3 * TileRegisters::kRows * TileMultiplier::kMaxColumns + kSum % 3 * 16;
}

void TileMultiplier::StoreHeldSums() {
  if (held_sums_ == nullptr) return;
  using Tile = TileRegisters;
  Tile::Store<0>(held_sums_ + SumOffset<0>(), kSumStride);
  Tile::Store<1>(held_sums_ + SumOffset<1>(), kSumStride);
  Tile::Store<2>(held_sums_ + SumOffset<2>(), kSumStride);
  Tile::Store<3>(held_sums_ + SumOffset<3>(), kSumStride);
  Tile::Store<4>(held_sums_ + SumOffset<4>(), kSumStride);
  Tile::Store<5>(held_sums_ + SumOffset<5>(), kSumStride);
  held_sums_ = nullptr;
}

// The register gets 0 or the sums of the block from `sums`; those that it holds are stored.
template <int kSum>
void TileMultiplier::BeginSum(bool zero, const float* sums) {
  if (held_sums_ != nullptr) {
    TileRegisters::Store<kSum>(held_sums_ + SumOffset<kSum>(), kSumStride);
  }
  if (zero) {
    TileRegisters::Zero<kSum>();
  } else {
    TileRegisters::Load<kSum>(sums + SumOffset<kSum>(), kSumStride);
  }
}

// Back and forth: the last tile of the panel that one tile of X meets is the first that the other
// one does.
template <bool kFirst>
inline void TileMultiplier::MultiplyWholeStep(const Block& block, const char* x, const char* b,
                                              bool zero, const float* sums) {
  using Tile = TileRegisters;
  const int64_t x_stride = block.x_stride, b_stride = block.panel_stride;
  Tile::LoadOnce<6>(x, x_stride);
  Tile::Load<7>(b, b_stride);
  if constexpr (kFirst) BeginSum<0>(zero, sums);
  Tile::MultiplyBF16<0, 6, 7>();
  Tile::Load<7>(b + Tile::kRowBytes, b_stride);
  if constexpr (kFirst) BeginSum<1>(zero, sums);
  Tile::MultiplyBF16<1, 6, 7>();
  Tile::Load<7>(b + 2 * Tile::kRowBytes, b_stride);
  if constexpr (kFirst) BeginSum<2>(zero, sums);
  Tile::MultiplyBF16<2, 6, 7>();
  Tile::LoadOnce<6>(x + kTileRows * x_stride, x_stride);
  if constexpr (kFirst) BeginSum<5>(zero, sums);
  Tile::MultiplyBF16<5, 6, 7>();
  Tile::Load<7>(b + Tile::kRowBytes, b_stride);
  if constexpr (kFirst) BeginSum<4>(zero, sums);
  Tile::MultiplyBF16<4, 6, 7>();
  Tile::Load<7>(b, b_stride);
  if constexpr (kFirst) BeginSum<3>(zero, sums);
  Tile::MultiplyBF16<3, 6, 7>();
  EndStep(block);
}

// Two by three tiles of a block in pieces, as most are. Their sums stay in the registers 0 to 5
// until the next ones' first tiles have been asked for: the processor does not load past a store
// that waits for its sums, and the matrix unit would wait for both.
void TileMultiplier::MultiplyWholeTiles(const Block& block, int64_t row, int64_t first_step,
                                        int64_t end_step) {
  const int64_t panel_step = kTileRows * block.panel_stride;
  const char* x = block.x + row * block.x_stride + first_step * TileRegisters::kRowBytes;
  const char* b = block.panel + first_step * panel_step;
  float* const sums = block.sums + row * kMaxColumns;
  MultiplyWholeStep<true>(block, x, b, first_step == 0 && !block.add, sums);
  for (int64_t step = first_step + 1; step < end_step; ++step) {
    x += TileRegisters::kRowBytes;
    b += panel_step;
    MultiplyWholeStep<false>(block, x, b, false, sums);
  }
  held_sums_ = sums;
}

// Registers 0 to 5 hold the sums of two by three tiles, 6 a tile of X, 7 one of the panel. Where
// the sums leave two of them free, 5 holds the second tile of X and 2 the second of the panel.
template <int kRowTiles, int kColumnTiles, bool kInPieces>
void TileMultiplier::MultiplyTiles(const Block& block, int64_t row, int64_t column,
                                   int64_t first_step, int64_t end_step) {
  using Tile = TileRegisters;
  constexpr int64_t kTileBytes = Tile::kRowBytes;
  const auto for_each_sum = [sums = block.sums + row * kMaxColumns + column](auto visit) {
    const auto visit_row = [&]<int kRow>() {
      float* const place = sums + kRow * kTileRows * kMaxColumns;
      visit.template operator()<3 * kRow>(place);
      if constexpr (kColumnTiles > 1) visit.template operator()<3 * kRow + 1>(place + 16);
      if constexpr (kColumnTiles > 2) visit.template operator()<3 * kRow + 2>(place + 32);
    };
    visit_row.template operator()<0>();
    if constexpr (kRowTiles > 1) visit_row.template operator()<1>();
  };
  for_each_sum([=]<int kRegister>(const float* place) {
    if (first_step == 0 && !block.add) {
      Tile::Zero<kRegister>();
    } else {
      Tile::Load<kRegister>(place, kSumStride);
    }
  });
  // Of a block in pieces the panel is used again, of others at most the rows are.
  const auto load_x = []<int kRegister>(const char* from, int64_t stride) {
    kInPieces ? Tile::LoadOnce<kRegister>(from, stride) : Tile::Load<kRegister>(from, stride);
  };
  const auto load_b = []<int kRegister>(const char* from, int64_t stride) {
    kInPieces ? Tile::Load<kRegister>(from, stride) : Tile::LoadOnce<kRegister>(from, stride);
  };
  const int64_t x_stride = block.x_stride, b_stride = block.panel_stride;
  const char* x = block.x + row * x_stride + first_step * kTileBytes;
  const char* b = block.panel + first_step * kTileRows * b_stride + column * 4;
  for (int64_t step = first_step; step < end_step; ++step) {
    load_x.template operator()<6>(x, x_stride);
    load_b.template operator()<7>(b, b_stride);
    Tile::MultiplyBF16<0, 6, 7>();
    if constexpr (kRowTiles > 1 && kColumnTiles == 2) {
      load_b.template operator()<2>(b + kTileBytes, b_stride);
      Tile::MultiplyBF16<1, 6, 2>();
    } else if constexpr (kColumnTiles > 1) {
      load_b.template operator()<7>(b + kTileBytes, b_stride);
      Tile::MultiplyBF16<1, 6, 7>();
    }
    if constexpr (kColumnTiles == 3) {
      load_b.template operator()<7>(b + 2 * kTileBytes, b_stride);
      Tile::MultiplyBF16<2, 6, 7>();
    }
    if constexpr (kRowTiles > 1 && kColumnTiles < 3) {
      load_x.template operator()<5>(x + kTileRows * x_stride, x_stride);
      Tile::MultiplyBF16<3, 5, 7>();
      if constexpr (kColumnTiles == 2) Tile::MultiplyBF16<4, 5, 2>();
    }
    if constexpr (kRowTiles > 1 && kColumnTiles == 3) {
      // Back again, beginning with the tile of the panel that is still there.
      load_x.template operator()<6>(x + kTileRows * x_stride, x_stride);
      Tile::MultiplyBF16<5, 6, 7>();
      load_b.template operator()<7>(b + kTileBytes, b_stride);
      Tile::MultiplyBF16<4, 6, 7>();
      load_b.template operator()<7>(b, b_stride);
      Tile::MultiplyBF16<3, 6, 7>();
    }
    x += kTileBytes;
    b += kTileRows * b_stride;
    EndStep(block);
  }
  for_each_sum([=]<int kRegister>(float* place) { Tile::Store<kRegister>(place, kSumStride); });
}

// Two tiles of rows of which the second has fewer.
template <int kColumnTiles, bool kInPieces>
void TileMultiplier::MultiplyUneven(const Block& block, int64_t row, int64_t first_step,
                                    int64_t end_step) {
  SetRows(kTileRows, block.rows - row - kTileRows);
  // Each needs a register of its own for its tile of X.
  MultiplyTiles<2, std::min(kColumnTiles, 2), kInPieces>(block, row, 0, first_step, end_step);
  if constexpr (kColumnTiles == 3) {
    MultiplyTiles<2, 1, kInPieces>(block, row, 2 * kTileRows, first_step, end_step);
  }
}

template <int kColumnTiles, bool kInPieces>
void TileMultiplier::MultiplyPiece(const Block& block, int64_t first_step, int64_t end_step) {
  constexpr bool kWhole = kInPieces && kColumnTiles == 3;
  int64_t row = 0;
  if (block.rows >= 2 * kTileRows) {
    kWhole ? registers_.SetRows(kTileRows) : SetRows(kTileRows, kTileRows);
  }
  for (; row + 2 * kTileRows <= block.rows; row += 2 * kTileRows) {
    if constexpr (kWhole) {
      MultiplyWholeTiles(block, row, first_step, end_step);
    } else {
      MultiplyTiles<2, kColumnTiles, kInPieces>(block, row, 0, first_step, end_step);
    }
  }
  const int64_t left = block.rows - row;
  if (left > kTileRows) {
    MultiplyUneven<kColumnTiles, kInPieces>(block, row, first_step, end_step);
  } else if (left > 0) {
    SetRows(left, left);
    MultiplyTiles<1, kColumnTiles, kInPieces>(block, row, 0, first_step, end_step);
  }
}

template <int kColumnTiles>
void TileMultiplier::MultiplyBlock(const Block& block) {
  // A panel that is used once need not come in pieces: the sums stay in the registers.
  if (block.rows <= 2 * kTileRows) return MultiplyPiece<kColumnTiles, false>(block, 0, block.steps);
  const int64_t piece = CeilDivide(block.steps, CeilDivide(block.steps, kPieceSteps));
  for (int64_t first = 0; first < block.steps; first += piece) {
    MultiplyPiece<kColumnTiles, true>(block, first, std::min(block.steps, first + piece));
  }
}

void TileMultiplier::Multiply(const TileProduct& product) {
  Block block;
  block.x_stride = product.x_stride;
  block.panel = product.panel;
  block.panel_stride = product.columns * 2 * static_cast<int64_t>(ByteSize(DType::kBF16));
  block.steps = product.depth / kDepthStep;
  // The next panel is fetched into the second-level cache while all rows pass by this one; when
  // they are few the processor fetches ahead best by itself.
  const int64_t rows = product.result.rows;
  block.prefetch_lines_a_step =
      rows <= kFewRows ? 0 : CeilDivide(product.columns, CeilDivide(rows, 2 * kTileRows));
  prefetch_ = product.next_panel;
  block.add = !product.first_slice;
  for (int64_t row = 0; row < rows; row += kBlockRows) {
    block.x = product.x + row * product.x_stride;
    block.rows = std::min(kBlockRows, rows - row);
    if (product.partial_sums != nullptr) {
      block.sums = product.partial_sums + row * kMaxColumns;
    } else {
      block.sums = sums_[next_sums_].data();
      next_sums_ = 1 - next_sums_;
    }
    block.finish_rows_a_step =
        CeilDivide(kBlockRows, block.steps * CeilDivide(block.rows, 2 * kTileRows));
    if (product.last_slice) to_write_ = ResultsOf(product.result, row, block.rows);
    if (product.columns == 48) {
      MultiplyBlock<3>(block);
    } else if (product.columns == 32) {
      MultiplyBlock<2>(block);
    } else {
      MultiplyBlock<1>(block);
    }
    FinishPending();
    if (!product.last_slice) continue;
    pending_ = product.result;
    pending_.SkipRows(row);
    pending_.rows = block.rows;
    pending_.tile = block.sums;
    pending_.tile_stride = kMaxColumns;
    finish_pending_ = product.finish;
  }
}

}  // namespace attentiond
