// core/ops/attention_columns.h -- attention in bf16 on the matrix unit, transposed. Private to
// core/ops.
//
// Scores are computed as K Q^T, a column a row of queries, and sums as V^T P^T. A register of the
// vector units then holds one key of sixteen rows: softmax needs no maxima or sums across its
// lanes, and its exponentials, two keys at a time, are as the matrix unit reads them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "core/ops/attention_blocks.h"
#include "core/ops/column_product.h"
#include "core/ops/column_softmax.h"

namespace attentiond {

class AttentionColumns final : public AttentionBlocks {
 public:
  /// Whether it can run a call: bf16, where there is a matrix unit, and nothing to do to scores but
  /// a scale, and exponentials are not asked for.
  static bool Supports(const AttentionRows& rows);

  explicit AttentionColumns(const AttentionRows& rows);

  absl::Status Prepare(onednn::KernelCache& cache) override;

 private:
  // Keys whose scores become exponentials while those of as many more are computed. The
  // exponentials of a panel are multiplied by its values together: every such product reads and
  // writes the sums. All this, the queries and the sums stay about in the first-level cache, which
  // packed keys and values, read once a block, pass by.
  static constexpr int64_t kChunkKeys = 64;
  static constexpr int64_t kScoreBytes =
      kBlockRows * kChunkKeys * static_cast<int64_t>(sizeof(float));
  static constexpr int64_t kExponentialBytes =
      kBlockRows * kPanelKeys * static_cast<int64_t>(sizeof(uint16_t));

  void PackKeyPanel(const PanelSource& panel) const override;
  void PackValuePanel(const PanelSource& panel) const override;
  void BeginBlock(const Block& block) const override;
  void RunPanels(absl::Span<const Block> blocks, int64_t first_panel, int64_t end_panel,
                 Worker& worker) const override;
  void FinishBlock(const Block& block) const override;

  // Some keys of a panel, as one block of several sees them.
  struct Chunk {
    const Block* block;
    int64_t key, count;
    int64_t end;  // of the keys that the block sees in the panels at hand
  };

  // The first chunk of the blocks from one of them on; that of blocks.end() when none is left.
  static Chunk FirstChunk(absl::Span<const Block> blocks, const Block* block, int64_t first_panel,
                          int64_t end_panel);
  static Chunk ChunkAt(const Block* block, int64_t key, int64_t end) {
    return {block, key, std::min({kChunkKeys, end - key, kPanelKeys - key % kPanelKeys}), end};
  }
  static int64_t FirstKey(const Block& block) { return block.begin_key / kKeyStep * kKeyStep; }

  // The scores of some keys, and what some keys' exponentials add to the sums, or make of them.
  ColumnProduct ScoreProduct(const Chunk& chunk, float* scores) const;
  ColumnProduct ValueProduct(const Block& block, int64_t first_key, int64_t end_key) const;
  // The sums, as the last chunk's bases ask for.
  void Rescale(const Block& block) const;

  // Of the tiles that sixteen keys or queries fill.
  int64_t TileRowBytes() const {
    return TileRegisters::kRows * depth_ * static_cast<int64_t>(ByteSize(compute_));
  }
  // Columns of tiles, sixteen rows each, that a block has.
  static int64_t Tiles(const Block& block) {
    return (block.rows + TileRegisters::kRows - 1) / TileRegisters::kRows;
  }
  static ColumnState* State(const Block& block) {
    return reinterpret_cast<ColumnState*>(block.state);
  }
  // Of two chunks.
  static float* Scores(const Block& block) { return reinterpret_cast<float*>(block.shared); }
  // Of the first tile, from a key of the panel that is at hand.
  static uint16_t* Exponentials(const Block& block, int64_t key) {
    return reinterpret_cast<uint16_t*>(block.shared + 2 * kScoreBytes) +
           key % kPanelKeys * TileRegisters::kRows;
  }
  // Rows in bf16, as they come and go.
  char* Rows(const Block& block) const { return block.shared + row_offset_; }

  int64_t row_offset_ = 0;
};

}  // namespace attentiond
