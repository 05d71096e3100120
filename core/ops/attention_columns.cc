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

// Tiles of a matrix, each contiguous: bytes between those along the depth and those across it.
struct Operand {
  const char* data;
  int64_t step, next;
};

// Register kSum becomes 0, or the sums at `sums`. What it had is stored, unless that is nullptr.
template <int kSum>
void BeginSum(bool zero, const float* sums, float* had) {
  if (had != nullptr) Tile::Store<kSum>(had, Tile::kRowBytes);
  if (zero) {
    Tile::Zero<kSum>();
  } else {
    Tile::Load<kSum>(sums, Tile::kRowBytes);
  }
}

// C = A B, or C += A B: all of A's tiles by kB of B. C's tiles follow each other, those of one tile
// of A together. Two tiles of A at a time: registers 0 to 3 are the sums, row by row; 4 and 5 hold
// tiles of A, 6 and 7 tiles of B. The sums are stored when the first tiles of the next two have
// been asked for: the processor does not load past a store that waits, and the matrix unit would
// too.
template <int kB>
class Product {
  static_assert(kB <= 2);

 public:
  Product(const Operand& a, const Operand& b, int64_t depth, bool zero)
      : a_(a), b_(b), depth_(depth), zero_(zero) {}

  void Run(int64_t a_tiles, float* c) const {
    int64_t tile = 0;
    float* had = nullptr;
    for (; tile + 2 <= a_tiles; tile += 2) {
      Multiply<2>(a_.data + tile * a_.next, c, had);
      had = c;
      c += 2 * kB * kTileFloats;
    }
    if (tile < a_tiles) {
      Multiply<1>(a_.data + tile * a_.next, c, had);
      StoreRow<0>(c);
    } else if (had != nullptr) {
      StoreRow<0>(had);
      StoreRow<1>(had);
    }
  }

 private:
  // The sums of kA tiles of A stay in the registers. `had` is where those belong that were there,
  // of two tiles of A.
  template <int kA>
  void Multiply(const char* a, const float* c, float* had) const {
    constexpr bool kTwoA = kA > 1, kTwoB = kB > 1;
    const int64_t a_next = a_.next, a_step = a_.step, b_next = b_.next, b_step = b_.step;
    const char* b = b_.data;
    Tile::LoadOnce<4>(a, Tile::kRowBytes);
    Tile::Load<6>(b, Tile::kRowBytes);
    if constexpr (kTwoB) Tile::Load<7>(b + b_next, Tile::kRowBytes);
    if constexpr (kTwoA) Tile::LoadOnce<5>(a + a_next, Tile::kRowBytes);
    BeginRow<0>(c, had);
    Tile::MultiplyBF16<0, 4, 6>();
    if constexpr (kTwoB) Tile::MultiplyBF16<1, 4, 7>();
    if constexpr (kTwoA) {
      BeginRow<1>(c, had);
      Tile::MultiplyBF16<2, 5, 6>();
      if constexpr (kTwoB) Tile::MultiplyBF16<3, 5, 7>();
    } else if (had != nullptr) {
      StoreRow<1>(had);
    }
    for (int64_t d = 1; d < depth_; ++d) {
      a += a_step, b += b_step;
      Tile::LoadOnce<4>(a, Tile::kRowBytes);
      Tile::Load<6>(b, Tile::kRowBytes);
      Tile::MultiplyBF16<0, 4, 6>();
      if constexpr (kTwoB) Tile::Load<7>(b + b_next, Tile::kRowBytes);
      if constexpr (kTwoB) Tile::MultiplyBF16<1, 4, 7>();
      if constexpr (kTwoA) Tile::LoadOnce<5>(a + a_next, Tile::kRowBytes);
      if constexpr (kTwoA) Tile::MultiplyBF16<2, 5, 6>();
      if constexpr (kTwoA && kTwoB) Tile::MultiplyBF16<3, 5, 7>();
    }
  }

  // The sums of one tile of A.
  template <int kRow>
  void BeginRow(const float* c, float* had) const {
    constexpr int64_t kAt = kRow * kB * kTileFloats;
    BeginSum<2 * kRow>(zero_, c + kAt, had == nullptr ? nullptr : had + kAt);
    if constexpr (kB == 2) {
      constexpr int64_t kNext = kAt + kTileFloats;
      BeginSum<2 * kRow + 1>(zero_, c + kNext, had == nullptr ? nullptr : had + kNext);
    }
  }
  template <int kRow>
  static void StoreRow(float* c) {
    c += kRow * kB * kTileFloats;
    Tile::Store<2 * kRow>(c, Tile::kRowBytes);
    if constexpr (kB == 2) Tile::Store<2 * kRow + 1>(c + kTileFloats, Tile::kRowBytes);
  }

  const Operand a_, b_;
  const int64_t depth_;
  const bool zero_;
};

void Multiply(const Operand& a, int64_t a_tiles, const Operand& b, int64_t b_tiles, int64_t depth,
              bool zero, float* c) {
  if (b_tiles == 1) {
    Product<1>(a, b, depth, zero).Run(a_tiles, c);
  } else {
    Product<2>(a, b, depth, zero).Run(a_tiles, c);
  }
}

// C = A B where B is two tiles by two: they stay in registers.
void MultiplyByFour(const Operand& a, int64_t a_tiles, const Operand& b, float* c) {
  Tile::Load<4>(b.data, Tile::kRowBytes);
  Tile::Load<5>(b.data + b.next, Tile::kRowBytes);
  Tile::Load<6>(b.data + b.step, Tile::kRowBytes);
  Tile::Load<7>(b.data + b.next + b.step, Tile::kRowBytes);
  float *had = nullptr, *other_had = nullptr;
  for (int64_t tile = 0; tile < a_tiles; ++tile) {
    const char* const at = a.data + tile * a.next;
    Tile::LoadOnce<2>(at, Tile::kRowBytes);
    Tile::LoadOnce<3>(at + a.step, Tile::kRowBytes);
    BeginSum<0>(true, nullptr, had);
    Tile::MultiplyBF16<0, 2, 4>();
    BeginSum<1>(true, nullptr, other_had);
    Tile::MultiplyBF16<1, 2, 5>();
    Tile::MultiplyBF16<0, 3, 6>();
    Tile::MultiplyBF16<1, 3, 7>();
    had = c, other_had = c + kTileFloats;
    c += 2 * kTileFloats;
  }
  Tile::Store<0>(had, Tile::kRowBytes);
  Tile::Store<1>(other_had, Tile::kRowBytes);
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
  PackKeyTiles(panel.head, panel.first, panel.count,
               {panel.packed, compute_, panel.padded, depth_});
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
  const bool grouped = rows_.group() > 1;
  if (grouped) {
    rows_.CopyQueries(block.sequence, block.kv_head, block.first_row, block.rows, compute_, depth_,
                      Rows(block));
  }
  const HeadRows queries = grouped ? HeadRows{Rows(block), depth_, depth_, compute_}
                                   : rows_.Queries(block.sequence, block.kv_head);
  const int64_t first = grouped ? 0 : block.first_row;
  for (int64_t tile = 0; tile < tiles; ++tile) {
    const int64_t row = tile * Tile::kRows;
    PackKeys(queries, first + row, std::min(Tile::kRows, block.rows - row),
             {block.queries + tile * TileRowBytes(), compute_, Tile::kRows, depth_});
  }
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
  const int64_t tiles = Tiles(block), depth = depth_ / kTileDepth;
  const Operand keys = {.data = block.keys + first_key / Tile::kRows * TileRowBytes(),
                        .step = kTileBytes,
                        .next = TileRowBytes()};
  const Operand queries = {.data = block.queries, .step = kTileBytes, .next = TileRowBytes()};
  const int64_t key_tiles = num_keys / Tile::kRows;
  if (tiles == 2 && depth == 2) {
    MultiplyByFour(keys, key_tiles, queries, Scores(block));
  } else {
    Multiply(keys, key_tiles, queries, tiles, depth, true, Scores(block));
  }
}

void AttentionColumns::MultiplyValues(const Block& block, int64_t first_key, int64_t num_keys,
                                      bool first) const {
  const int64_t value_tiles = value_width_ / Tile::kRows;
  const Operand values = {.data = block.values + first_key / kTileDepth * value_tiles * kTileBytes,
                          .step = value_tiles * kTileBytes,
                          .next = kTileBytes};
  const Operand exponentials = {
      .data = reinterpret_cast<const char*>(Exponentials(block, first_key)),
      .step = kTileBytes,
      .next = kExponentialBytes / 2};
  Multiply(values, value_tiles, exponentials, Tiles(block), num_keys / kTileDepth, first,
           block.sums);
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
