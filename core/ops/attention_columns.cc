#include "core/ops/attention_columns.h"

#include <algorithm>
#include <utility>

#include "core/onednn/isa.h"
#include "core/ops/attention_packing.h"
#include "core/ops/attention_tiles.h"

namespace attentiond {
namespace {

using Tile = TileRegisters;

constexpr int64_t kTileBytes = Tile::kRows * Tile::kRowBytes;
constexpr int64_t kTileFloats = kTileBytes / static_cast<int64_t>(sizeof(float));
// Channels of keys, or keys of exponentials, that a tile holds.
constexpr int64_t kTileDepth = 32;

int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Tiles of a matrix: `stride` bytes between rows, `step` and `next` between tiles along the depth
// and across it.
struct Operand {
  const char* data;
  int64_t stride, step, next;

  const char* at(int64_t across, int64_t depth) const {
    return data + across * next + depth * step;
  }
};

// kA tiles of A by kB of B. Registers 0 to 3 are the sums, row by row; 4 and 5 hold tiles of A, 6
// and 7 tiles of B.
template <int kA, int kB>
class Product {
  static_assert(kA <= 2 && kB <= 2);

 public:
  // C = A B, or C += A B, of the tiles of A from `a_tile`; C's tiles follow each other, those of
  // one tile of A together.
  static void Run(const Operand& a, const Operand& b, int64_t a_tile, int64_t depth, bool zero,
                  float* c) {
    c += a_tile * kB * kTileFloats;
    ForEachSum([&]<int kSum>() {
      if (zero) {
        Tile::Zero<kSum>();
      } else {
        Tile::Load<kSum>(c + kSum * kTileFloats, Tile::kRowBytes);
      }
    });
    const char *a_data = a.at(a_tile, 0), *b_data = b.data;
    const int64_t a_stride = a.stride, a_next = a.next, a_step = a.step;
    const int64_t b_stride = b.stride, b_next = b.next, b_step = b.step;
    for (int64_t d = 0; d < depth; ++d) {
      ForEachSum([=]<int kSum>() {
        constexpr int kRow = kSum / kB, kColumn = kSum % kB;
        if constexpr (kColumn == 0) Tile::LoadOnce<4 + kRow>(a_data + kRow * a_next, a_stride);
        if constexpr (kRow == 0) Tile::Load<6 + kColumn>(b_data + kColumn * b_next, b_stride);
        Tile::MultiplyBF16<kSum, 4 + kRow, 6 + kColumn>();
      });
      a_data += a_step;
      b_data += b_step;
    }
    ForEachSum([&]<int kSum>() { Tile::Store<kSum>(c + kSum * kTileFloats, Tile::kRowBytes); });
  }

 private:
  template <typename Body>
  static void ForEachSum(Body body) {
    [&]<int... kSum>(std::integer_sequence<int, kSum...>) {
      (body.template operator()<kSum>(), ...);
    }
    (std::make_integer_sequence<int, kA * kB>());
  }
};

// All of A's tiles by kB of B; counted in tiles.
template <int kB>
void Multiply(const Operand& a, const Operand& b, int64_t a_tiles, int64_t depth, bool zero,
              float* c) {
  int64_t tile = 0;
  for (; tile + 2 <= a_tiles; tile += 2) Product<2, kB>::Run(a, b, tile, depth, zero, c);
  if (tile < a_tiles) Product<1, kB>::Run(a, b, tile, depth, zero, c);
}

// C = A B where B is two tiles by two: they stay in registers.
void MultiplyByFour(const Operand& a, const Operand& b, int64_t a_tiles, float* c) {
  Tile::Load<4>(b.at(0, 0), b.stride);
  Tile::Load<5>(b.at(1, 0), b.stride);
  Tile::Load<6>(b.at(0, 1), b.stride);
  Tile::Load<7>(b.at(1, 1), b.stride);
  for (int64_t tile = 0; tile < a_tiles; ++tile) {
    Tile::Zero<0>();
    Tile::Zero<1>();
    Tile::LoadOnce<2>(a.at(tile, 0), a.stride);
    Tile::MultiplyBF16<0, 2, 4>();
    Tile::MultiplyBF16<1, 2, 5>();
    Tile::LoadOnce<3>(a.at(tile, 1), a.stride);
    Tile::MultiplyBF16<0, 3, 6>();
    Tile::MultiplyBF16<1, 3, 7>();
    Tile::Store<0>(c, Tile::kRowBytes);
    Tile::Store<1>(c + kTileFloats, Tile::kRowBytes);
    c += 2 * kTileFloats;
  }
}

}  // namespace

bool AttentionColumns::Supports(const AttentionRows& rows) {
  const AttentionArgs& args = rows.args();
  return AttentionTiles::ComputeType(args) == DType::kBF16 && onednn::HasMatrixTiles() &&
         !rows.exact() && !args.softcap.has_value() && args.bias.data == nullptr &&
         args.mask.data == nullptr && rows.Rules(DType::kBF16).scale > 0;
}

AttentionColumns::AttentionColumns(const AttentionRows& rows)
    : AttentionBlocks(rows, DType::kBF16, RoundUp(rows.args().head_dim, kTileDepth),
                      RoundUp(rows.args().value_dim, Tile::kRows)) {}

absl::Status AttentionColumns::Prepare(onednn::KernelCache&) {
  const int64_t rows =
      kBlockRows * static_cast<int64_t>(ByteSize(compute_)) * std::max(value_width_, depth_);
  // Pairs of channels take the scores' place.
  row_offset_ = std::max(kScoreBytes + kExponentialBytes, rows);
  return PlanScratch({.shared = row_offset_ + rows, .state = sizeof(ColumnState)});
}

void AttentionColumns::PackKeyPanel(const PanelSource& panel) const {
  CopyTokens(panel.head, panel.first, panel.count, compute_, depth_, depth_, panel.packed);
  const int64_t row_bytes = depth_ * static_cast<int64_t>(ByteSize(compute_));
  std::fill_n(panel.packed + panel.count * row_bytes, (panel.padded - panel.count) * row_bytes,
              char{0});
}

void AttentionColumns::PackValuePanel(const PanelSource& panel) const {
  PackTransposedValues(panel.head, panel.first, panel.count,
                       {panel.packed, compute_, panel.padded, value_width_});
}

void AttentionColumns::BeginBlock(const Block& block) const {
  BeginColumns(block.score_rows.data(), block.rows, State(block));
  const int64_t tiles = Tiles(block);
  if (!block.sees_keys()) {
    std::fill_n(block.sums, tiles * Tile::kRows * value_width_, 0.0f);
    return;
  }
  const Panel packed = {block.queries, compute_, tiles * Tile::kRows, depth_};
  if (rows_.group() == 1) {
    PackKeys(rows_.Queries(block.sequence, block.kv_head), block.first_row, block.rows, packed);
    return;
  }
  rows_.CopyQueries(block.sequence, block.kv_head, block.first_row, block.rows, compute_, depth_,
                    Rows(block));
  PackKeys({Rows(block), depth_, depth_, compute_}, 0, block.rows, packed);
}

void AttentionColumns::RunPanel(const Block& block, int64_t panel, Worker& worker) const {
  worker.registers().SetRows(Tile::kRows);
  constexpr double kLog2E = 1.4426950408889634;
  const auto scale = static_cast<float>(rules_.scale * kLog2E);
  const int64_t first = block.begin_key / kKeyStep * kKeyStep;
  const int64_t end = RoundUp(std::min(block.end_key, (panel + 1) * kPanelKeys), kKeyStep);
  int64_t begin = std::max(first, panel * kPanelKeys);  // of what is to be multiplied by values
  for (int64_t key = begin; key < end; key += kChunkKeys) {
    const int64_t count = std::min(kChunkKeys, end - key);
    MultiplyKeys(block, key, count);
    const ScoreColumns columns = {.scores = Scores(block),
                                  .tiles = Tiles(block),
                                  .first_key = key,
                                  .num_keys = count,
                                  .whole = block.EverySees(key, count),
                                  .exponentials = Exponentials(block, key),
                                  .stride = kPanelKeys * Tile::kRows};
    if (!AddColumns(scale, columns, State(block))) continue;
    // What came before is relative to other bases.
    if (begin < key) MultiplyValues(block, begin, key - begin, begin == first);
    begin = key;
    if (begin > first) Rescale(block);
  }
  MultiplyValues(block, begin, end - begin, begin == first);
}

void AttentionColumns::Rescale(const Block& block) const {
  const int64_t tiles = Tiles(block);
  for (int64_t tile = 0; tile < tiles; ++tile) {
    RescaleColumns(State(block)->rescale + tile * Tile::kRows, value_width_ / Tile::kRows,
                   tiles * kTileFloats, block.sums + tile * kTileFloats);
  }
}

void AttentionColumns::MultiplyKeys(const Block& block, int64_t first_key, int64_t num_keys) const {
  const int64_t row_bytes = depth_ * static_cast<int64_t>(ByteSize(compute_));
  const int64_t tiles = Tiles(block), depth = depth_ / kTileDepth;
  const Operand keys = {.data = block.keys + first_key * row_bytes,
                        .stride = row_bytes,
                        .step = Tile::kRowBytes,
                        .next = Tile::kRows * row_bytes};
  const Operand queries = {.data = block.queries,
                           .stride = tiles * Tile::kRowBytes,
                           .step = tiles * kTileBytes,
                           .next = Tile::kRowBytes};
  const int64_t key_tiles = num_keys / Tile::kRows;
  if (tiles == 1) {
    Multiply<1>(keys, queries, key_tiles, depth, true, Scores(block));
  } else if (depth == 2) {
    MultiplyByFour(keys, queries, key_tiles, Scores(block));
  } else {
    Multiply<2>(keys, queries, key_tiles, depth, true, Scores(block));
  }
}

void AttentionColumns::MultiplyValues(const Block& block, int64_t first_key, int64_t num_keys,
                                      bool first) const {
  const int64_t value_tiles = value_width_ / Tile::kRows;
  const Operand values = {.data = block.values + first_key / kTileDepth * value_tiles * kTileBytes,
                          .stride = Tile::kRowBytes,
                          .step = value_tiles * kTileBytes,
                          .next = kTileBytes};
  const Operand exponentials = {
      .data = reinterpret_cast<const char*>(Exponentials(block, first_key)),
      .stride = Tile::kRowBytes,
      .step = kTileBytes,
      .next = kExponentialBytes / 2};
  const int64_t depth = num_keys / kTileDepth;
  if (Tiles(block) == 1) {
    Multiply<1>(values, exponentials, value_tiles, depth, first, block.sums);
  } else {
    Multiply<2>(values, exponentials, value_tiles, depth, first, block.sums);
  }
}

void AttentionColumns::FinishBlock(const Block& block) const {
  const int64_t tiles = Tiles(block);
  uint32_t* const rows = reinterpret_cast<uint32_t*>(Rows(block));
  uint32_t* const pairs = reinterpret_cast<uint32_t*>(Scores(block));
  const uint32_t wrong = RoundColumns(*State(block), block.sums, tiles, value_width_, pairs);
  TransposeWords(pairs, value_width_ / 2, tiles * Tile::kRows, rows);
  rows_.FinishRounded(block.sequence, block.kv_head, block.first_row, block.rows, rows,
                      value_width_, wrong);
}

}  // namespace attentiond
