// core/ops/attention_blocks.h -- attention as products of small tiles: what its kernels have in
// common. Private to core/ops.
//
// A task packs its head's keys and values into the thread's own memory, in panels of 256 keys. A
// block of up to 32 rows is multiplied with one panel of keys, its scores become exponentials while
// they are in the first-level cache, and those are multiplied with the panel's values; then comes
// the next panel. Panels, and keys at a panel's end, that no row of the block sees are left out. Of
// a head that does not fit into the second-level cache, several blocks share each panel's visit.
// Source: Dao et al. 2022, arXiv:2205.14135, algorithm 1, with whole heads packed once.
#pragma once

#include <array>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/onednn/context.h"
#include "core/onednn/micro_kernel.h"
#include "core/ops/attention_plan.h"
#include "core/ops/attention_rows.h"
#include "core/ops/tile_registers.h"

namespace attentiond {

/// One call's rows that are worth packing for; a kernel derives from it.
class AttentionBlocks {
 public:
  static constexpr int64_t kMaxHeadDim = 1024;
  /// The most scratch a thread may take: 390,000 keys at a head size of 64 in f32.
  static constexpr int64_t kMaxScratchBytes = int64_t{192} << 20;

  class Worker;

  AttentionBlocks(const AttentionBlocks&) = delete;
  AttentionBlocks& operator=(const AttentionBlocks&) = delete;
  virtual ~AttentionBlocks() = default;

  /// Once, before all else. kResourceExhausted: a sequence has too many keys for the scratch limit.
  virtual absl::Status Prepare(onednn::KernelCache& cache) = 0;
  /// Of 64-byte aligned memory that each thread needs.
  int64_t scratch_bytes() const { return layout_.total; }

 protected:
  static constexpr int64_t kBlockRows = SoftmaxState::kMaxRows;
  static constexpr int64_t kPanelKeys = 256;
  // Keys are packed, and their products computed, in multiples of this.
  static constexpr int64_t kKeyStep = 32;

  // A head's keys or values from `first` as they come, and where a panel has them.
  struct PanelSource {
    const HeadRows& head;
    int64_t first, count;
    int64_t padded;  // a multiple of kKeyStep
    char* packed;
  };
  // Up to kBlockRows rows of a task.
  struct Block {
    int64_t sequence, kv_head;
    int64_t first_row, rows;
    int64_t first_panel, end_panel;    // the panels with keys that some row sees
    int64_t begin_key, end_key;        // no row sees a key outside of these
    int64_t common_begin, common_end;  // every row sees these keys
    HeadRows head_keys;
    char *keys, *values;    // of the head, packed
    char* shared;           // what blocks use in turn
    char *state, *queries;  // its own, as are `sums`
    float* sums;
    std::array<ScoreRow, kBlockRows> score_rows;

    bool sees_keys() const { return first_panel < end_panel; }
    bool EverySees(int64_t first_key, int64_t num_keys) const {
      return common_begin <= first_key && first_key + num_keys <= common_end;
    }
  };
  // Bytes that a kernel needs.
  struct ScratchSizes {
    int64_t shared = 0, state = 0;
  };

  /// Keys and queries have `depth` channels with zeros, values `value_width`, of type `compute`.
  AttentionBlocks(const AttentionRows& rows, DType compute, int64_t depth, int64_t value_width);

  absl::Status PlanScratch(const ScratchSizes& sizes);

  virtual void PackKeyPanel(const PanelSource& panel) const = 0;
  virtual void PackValuePanel(const PanelSource& panel) const = 0;
  /// Before its panels: packs its queries; or if it sees no keys, zeroes its sums.
  virtual void BeginBlock(const Block& block) const = 0;
  /// Each block with those of some panels that it sees, in order.
  virtual void RunPanels(absl::Span<const Block> blocks, int64_t first_panel, int64_t end_panel,
                         Worker& worker) const = 0;
  virtual void FinishBlock(const Block& block) const = 0;

  const AttentionRows rows_;
  const DType compute_;
  const ScoreRules rules_;
  const int64_t depth_;
  const int64_t value_width_;

 private:
  // Blocks that are begun and finished together. They take turns on the panels of a head of more
  // bytes than are sure to stay in the second-level cache.
  static constexpr int64_t kMaxBlocks = 4;
  static constexpr int64_t kCachedHeadBytes = int64_t{1} << 20;

  // Where things are in a thread's scratch, in bytes.
  struct Layout {
    int64_t keys = 0, values = 0, shared = 0;
    int64_t blocks = 0, block_bytes = 0;       // of each block:
    int64_t state = 0, queries = 0, sums = 0;  // from its beginning
    int64_t total = 0;
  };

  // Whether the packed head stays in the second-level cache.
  bool IsCached(int64_t sequence) const;
  void PackHead(const AttentionTask& task, char* scratch) const;
  void RunBlocks(const AttentionTask& task, int64_t first_row, int64_t end_row,
                 Worker* worker) const;
  void DescribeBlock(const AttentionTask& task, int64_t first_row, int64_t index, char* scratch,
                     Block* described) const;

  Layout layout_;
};

/// A thread's run of tasks. Has the matrix unit of the calling thread, in a scope.
class AttentionBlocks::Worker {
 public:
  Worker(const AttentionBlocks& kernel, char* scratch) : kernel_(kernel), scratch_(scratch) {}
  void Run(const AttentionTask& task);

  /// A kernel uses one of the two.
  onednn::MatrixUnit& unit() { return unit_; }
  TileRegisters& registers() { return registers_; }

 private:
  friend class AttentionBlocks;
  const AttentionBlocks& kernel_;
  char* const scratch_;
  onednn::MatrixUnit unit_;
  TileRegisters registers_;
  std::array<Block, kMaxBlocks> blocks_;
  // The head that is packed in the scratch.
  int64_t sequence_ = -1, kv_head_ = -1;
};

}  // namespace attentiond
