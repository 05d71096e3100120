#include "core/ops/tile_product.h"

#include <algorithm>

namespace attentiond {
namespace {

// Steps of the depth whose 48 columns (3 KiB each) stay in the first-level cache (48 KiB) next to
// the rows that pass by.
constexpr int64_t kMaxPieceSteps = 24;

constexpr int64_t CeilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace

// One piece of the depth of a product: all rows pass by it.
struct TileMultiplier::Pass {
  const TileProduct* product = nullptr;
  int64_t first_step = 0, steps = 0;
  bool is_first = false, is_last = false;
  int64_t panel_stride = 0;           // bytes between rows of B tiles
  const char* b = nullptr;            // the panel's piece
  const char* prefetch = nullptr;     // what comes after it
  int64_t prefetch_lines_a_step = 0;  // so that it is here when the last row has passed
  int64_t finish_rows_a_step = 0;
};

void TileMultiplier::Finish(int64_t rows) {
  rows = std::min(rows, pending_.rows);
  if (rows <= 0) return;
  TileResult part = pending_;
  part.rows = rows;
  FinishTile(part);
  const int64_t y_bytes = rows * pending_.y_stride * static_cast<int64_t>(ByteSize(DType::kBF16));
  pending_.tile += rows * pending_.tile_stride;
  pending_.y = static_cast<char*>(pending_.y) + y_bytes;
  if (pending_.residual != nullptr) {
    pending_.residual = static_cast<const char*>(pending_.residual) + y_bytes;
  }
  pending_.rows -= rows;
}

// Registers 0 to 5 hold the sums of two by three tiles, 6 a tile of X, 7 one of the panel.
template <int kRowTiles, int kColumnTiles>
void TileMultiplier::MultiplyBlock(const Pass& pass, const char* x, const float* from, float* to) {
  using Tile = TileRegisters;
  constexpr int64_t kTileBytes = Tile::kRowBytes;
  const int64_t x_stride = pass.product->x_stride;
  const int64_t b_stride = pass.panel_stride;
  constexpr int64_t kSumStride = kMaxColumns * sizeof(float);
  const auto for_each_sum = [](auto visit) {
    visit.template operator()<0, 0>();
    if constexpr (kColumnTiles > 1) visit.template operator()<0, 1>();
    if constexpr (kColumnTiles > 2) visit.template operator()<0, 2>();
    if constexpr (kRowTiles > 1) {
      visit.template operator()<1, 0>();
      if constexpr (kColumnTiles > 1) visit.template operator()<1, 1>();
      if constexpr (kColumnTiles > 2) visit.template operator()<1, 2>();
    }
  };
  const auto place = [](auto* sums, int64_t row_tile, int64_t column_tile) {
    return sums + row_tile * Tile::kRows * kMaxColumns + column_tile * 16;
  };
  if (from == nullptr) {
    for_each_sum([]<int kRow, int kColumn>() { Tile::Zero<3 * kRow + kColumn>(); });
  } else {
    for_each_sum([&]<int kRow, int kColumn>() {
      Tile::Load<3 * kRow + kColumn>(place(from, kRow, kColumn), kSumStride);
    });
  }
  const char* b = pass.b;
  const char* prefetch = pass.prefetch;
  for (int64_t step = 0; step < pass.steps; ++step) {
    Tile::Load<6>(x, x_stride);
    Tile::Load<7>(b, b_stride);
    Tile::MultiplyBF16<0, 6, 7>();
    if constexpr (kColumnTiles > 1) {
      Tile::Load<7>(b + kTileBytes, b_stride);
      Tile::MultiplyBF16<1, 6, 7>();
    }
    if constexpr (kColumnTiles > 2) {
      Tile::Load<7>(b + 2 * kTileBytes, b_stride);
      Tile::MultiplyBF16<2, 6, 7>();
    }
    if constexpr (kRowTiles > 1) {
      // Back again, beginning with the tile of the panel that is still there.
      Tile::Load<6>(x + Tile::kRows * x_stride, x_stride);
      Tile::MultiplyBF16<2 + kColumnTiles, 6, 7>();
      if constexpr (kColumnTiles > 2) {
        Tile::Load<7>(b + kTileBytes, b_stride);
        Tile::MultiplyBF16<4, 6, 7>();
      }
      if constexpr (kColumnTiles > 1) {
        Tile::Load<7>(b, b_stride);
        Tile::MultiplyBF16<3, 6, 7>();
      }
    }
    x += kTileBytes;
    b += Tile::kRows * b_stride;
    for (int64_t line = 0; line < pass.prefetch_lines_a_step; ++line, prefetch += 64) {
      __builtin_prefetch(prefetch, 0, 2);
    }
    if (pending_.rows > 0) Finish(pass.finish_rows_a_step);
  }
  for_each_sum([&]<int kRow, int kColumn>() {
    Tile::Store<3 * kRow + kColumn>(place(to, kRow, kColumn), kSumStride);
  });
}

template <int kColumnTiles>
void TileMultiplier::MultiplyPass(Pass pass) {
  const TileProduct& product = *pass.product;
  const int64_t rows = product.result.rows;
  const auto bytes_of_pass = pass.steps * TileRegisters::kRows * pass.panel_stride;
  const int64_t num_blocks = CeilDivide(rows, kBlockRows);
  pass.prefetch_lines_a_step = CeilDivide(bytes_of_pass / 64, num_blocks * pass.steps);
  pass.finish_rows_a_step = CeilDivide(kBlockRows, pass.steps);
  for (int64_t row = 0; row < rows;) {
    // Whole blocks, then half of one, then what is left.
    const int64_t left = rows - row;
    const int64_t count = left >= kBlockRows ? kBlockRows : std::min(left, TileRegisters::kRows);
    const char* const x =
        product.x + row * product.x_stride + pass.first_step * TileRegisters::kRowBytes;
    float* const sums = sums_.data() + row * kMaxColumns;
    float* const to = pass.is_last ? tiles_[next_tile_].data() : sums;
    const float* const from = pass.is_first ? nullptr : sums;
    if (count == kBlockRows) {
      MultiplyBlock<2, kColumnTiles>(pass, x, from, to);
    } else {
      if (count < TileRegisters::kRows) registers_.SetRows(count);
      MultiplyBlock<1, kColumnTiles>(pass, x, from, to);
      if (count < TileRegisters::kRows) registers_.SetRows(TileRegisters::kRows);
    }
    if (pass.is_last) {
      Flush();
      const int64_t y_bytes =
          row * product.result.y_stride * static_cast<int64_t>(ByteSize(DType::kBF16));
      pending_ = product.result;
      pending_.tile = to;
      pending_.tile_stride = kMaxColumns;
      pending_.rows = count;
      pending_.y = static_cast<char*>(pending_.y) + y_bytes;
      if (pending_.residual != nullptr) {
        pending_.residual = static_cast<const char*>(pending_.residual) + y_bytes;
      }
      next_tile_ = 1 - next_tile_;
    }
    pass.prefetch += pass.prefetch_lines_a_step * 64 * pass.steps;
    row += count;
  }
}

void TileMultiplier::Multiply(const TileProduct& product) {
  const int64_t steps = product.depth / kDepthStep;
  const int64_t num_pieces = CeilDivide(steps, kMaxPieceSteps);
  const int64_t piece = CeilDivide(steps, num_pieces);
  Pass pass;
  pass.product = &product;
  pass.panel_stride = product.columns * 2 * static_cast<int64_t>(ByteSize(DType::kBF16));
  for (int64_t first = 0; first < steps; first += piece) {
    pass.first_step = first;
    pass.steps = std::min(piece, steps - first);
    pass.is_first = first == 0;
    pass.is_last = first + pass.steps == steps;
    pass.b = product.panel + first * TileRegisters::kRows * pass.panel_stride;
    pass.prefetch = pass.b + pass.steps * TileRegisters::kRows * pass.panel_stride;
    if (product.columns == 48) {
      MultiplyPass<3>(pass);
    } else if (product.columns == 32) {
      MultiplyPass<2>(pass);
    } else {
      MultiplyPass<1>(pass);
    }
  }
}

}  // namespace attentiond
