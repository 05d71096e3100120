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
  row_offset_ = std::max(2 * kScoreBytes + kExponentialBytes, rows);
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

AttentionColumns::Chunk AttentionColumns::FirstChunk(absl::Span<const Block> blocks,
                                                     const Block* block, int64_t first_panel,
                                                     int64_t end_panel) {
  for (; block != blocks.end(); ++block) {
    const int64_t key = std::max(FirstKey(*block), first_panel * kPanelKeys);
    const int64_t end = RoundUp(std::min(block->end_key, end_panel * kPanelKeys), kKeyStep);
    if (key < end) return ChunkAt(block, key, end);
  }
  return {block, 0, 0, 0};
}

void AttentionColumns::RunPanels(absl::Span<const Block> blocks, int64_t first_panel,
                                 int64_t end_panel, Worker& worker) const {
  worker.registers().SetRows(Tile::kRows);
  constexpr double kLog2E = 1.4426950408889634;
  const auto scale = static_cast<float>(rules_.scale * kLog2E);
  Chunk chunk = FirstChunk(blocks, blocks.begin(), first_panel, end_panel);
  if (chunk.block == blocks.end()) return;
  HeldSums held;
  float* scores = Scores(*chunk.block);
  float* other_scores = scores + kScoreBytes / static_cast<int64_t>(sizeof(float));
  MultiplyColumns(ScoreProduct(chunk, scores), &held);
  int64_t begin = chunk.key;  // of what is to be multiplied by values
  while (chunk.block != blocks.end()) {
    const Block& block = *chunk.block;
    const int64_t end = chunk.key + chunk.count;
    const bool last = end == chunk.end;
    const Chunk next = last ? FirstChunk(blocks, chunk.block + 1, first_panel, end_panel)
                            : ChunkAt(chunk.block, end, chunk.end);
    const ScoreColumns columns = {.scores = scores,
                                  .scores_stride = kChunkKeys * Tile::kRows,
                                  .tiles = Tiles(block),
                                  .first_key = chunk.key,
                                  .num_keys = chunk.count,
                                  .whole = block.EverySees(chunk.key, chunk.count),
                                  .exponentials = Exponentials(block, chunk.key),
                                  .stride = kPanelKeys * Tile::kRows};
    bool rescale = false;
    if (next.block != blocks.end()) {
      rescale = AddColumnsMeanwhile(scale, columns, ScoreProduct(next, other_scores), &held,
                                    State(block));
    } else {
      StoreHeldSums(&held);
      rescale = AddColumns(scale, columns, State(block));
    }
    if (rescale) {
      // What came before is relative to other bases.
      if (begin < chunk.key) MultiplyColumns(ValueProduct(block, begin, chunk.key), &held);
      begin = chunk.key;
      StoreHeldSums(&held);
      if (begin > FirstKey(block)) Rescale(block);
    }
    if (last || end % kPanelKeys == 0) {
      MultiplyColumns(ValueProduct(block, begin, end), &held);
      begin = next.key;
    }
    chunk = next;
    std::swap(scores, other_scores);
  }
  StoreHeldSums(&held);
}

void AttentionColumns::Rescale(const Block& block) const {
  const int64_t tiles = Tiles(block);
  for (int64_t tile = 0; tile < tiles; ++tile) {
    RescaleColumns(State(block)->rescale + tile * Tile::kRows, value_width_ / Tile::kRows,
                   tiles * kTileFloats, block.sums + tile * kTileFloats);
  }
}

ColumnProduct AttentionColumns::ScoreProduct(const Chunk& chunk, float* scores) const {
  const Block& block = *chunk.block;
  return {.a = {.data = block.keys + chunk.key / Tile::kRows * TileRowBytes(),
                .step = kTileBytes,
                .next = TileRowBytes()},
          .b = {.data = block.queries, .step = kTileBytes, .next = TileRowBytes()},
          .a_tiles = chunk.count / Tile::kRows,
          .b_tiles = Tiles(block),
          .depth = depth_ / kTileDepth,
          .zero = true,
          .c = {.data = scores, .a_stride = kTileFloats, .b_stride = kChunkKeys * Tile::kRows}};
}

ColumnProduct AttentionColumns::ValueProduct(const Block& block, int64_t first_key,
                                             int64_t end_key) const {
  const int64_t value_tiles = value_width_ / Tile::kRows, tiles = Tiles(block);
  return {.a = {.data = block.values + first_key / kTileDepth * value_tiles * kTileBytes,
                .step = value_tiles * kTileBytes,
                .next = kTileBytes},
          .b = {.data = reinterpret_cast<const char*>(Exponentials(block, first_key)),
                .step = kTileBytes,
                .next = kExponentialBytes / 2},
          .a_tiles = value_tiles,
          .b_tiles = tiles,
          .depth = (end_key - first_key) / kTileDepth,
          .zero = first_key == FirstKey(block),
          .c = {.data = block.sums, .a_stride = tiles * kTileFloats, .b_stride = kTileFloats}};
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
