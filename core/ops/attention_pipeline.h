// core/ops/attention_pipeline.h -- bf16 attention on the matrix unit (AMX), with the softmax of one
// tile computed while the unit multiplies for its neighbours. Private to core/ops.
//
// Blocks of up to 32 query rows meet their keys in tiles of up to 128. The tiles of a thread's
// blocks, and of its heads, form one sequence; in each turn the matrix unit makes the scores of the
// next tile and adds the values of the previous one, and between its instructions the vector units
// work on the current one. Neither waits for the other, and neither idles for long.
// Source: as AttentionTiles; the overlap is that of Shah et al. 2024, arXiv:2407.08608, section 3.
#pragma once

#include <array>
#include <cstdint>

#include "absl/status/status.h"
#include "core/ops/attention_plan.h"
#include "core/ops/attention_rows.h"
#include "core/ops/tile_registers.h"

namespace attentiond {

class AttentionPipeline {
 public:
  /// Whether this processor has a matrix unit, and the operands are for it.
  static bool Supports(const AttentionArgs& args);

  explicit AttentionPipeline(const AttentionRows& rows);

  /// kResourceExhausted: a sequence has too many keys for the scratch limit.
  absl::Status Prepare();
  /// Of 64-byte aligned memory that each thread needs; after Prepare().
  int64_t scratch_bytes() const { return scratch_bytes_; }

  class Worker;

 private:
  static constexpr int64_t kBlockRows = SoftmaxState::kMaxRows;
  static constexpr int64_t kTileKeys = 128;
  // Keys of a pair of tile registers: what packing is padded to.
  static constexpr int64_t kGroupKeys = 32;
  // Not a power of two, which would put all rows into the same lines of the cache.
  static constexpr int64_t kScoreStride = kTileKeys + 16;
  // The previous, the current and the next: of tiles, and so of blocks and heads.
  static constexpr int64_t kTurns = 3;
  // Heads of more keys than this are not kept beside each other: they would not fit into the cache.
  static constexpr int64_t kMaxKeysBeside = 1024;

  struct Block;
  struct Item;

  int64_t KeyBytes() const { return packed_keys_ * depth_ * 2; }
  int64_t ValueBytes() const { return packed_keys_ * value_width_ * 2; }

  const AttentionRows rows_;
  const ScoreRules rules_;
  const int64_t depth_;        // head_dim and zeros, a multiple of 32
  const int64_t value_width_;  // value_dim and zeros, a multiple of 32
  int64_t packed_keys_ = 0;    // of the longest sequence
  int64_t num_heads_kept_ = 1;
  int64_t scratch_bytes_ = 0;
};

}  // namespace attentiond
