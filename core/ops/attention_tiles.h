// core/ops/attention_tiles.h -- attention as products of small tiles by micro-kernels. Private to
// core/ops.
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
#include <memory>

#include "absl/status/status.h"
#include "core/onednn/context.h"
#include "core/onednn/micro_kernel.h"
#include "core/ops/attention_plan.h"
#include "core/ops/attention_rows.h"

namespace attentiond {

class AttentionTiles {
 public:
  static constexpr int64_t kMaxHeadDim = 1024;
  /// The most scratch a thread may take: 390,000 keys at a head size of 64 in f32.
  static constexpr int64_t kMaxScratchBytes = int64_t{192} << 20;

  /// Whether this processor and these head sizes have micro-kernels.
  static bool Supports(const AttentionArgs& args);
  /// bf16 where both the data and the processor have it, else f32.
  static DType ComputeType(const AttentionArgs& args);

  explicit AttentionTiles(const AttentionRows& rows);

  /// Fetches the kernels. kResourceExhausted: a sequence has too many keys for the scratch limit.
  absl::Status Prepare(onednn::KernelCache& cache);
  /// Of 64-byte aligned memory that each thread needs; after Prepare().
  int64_t scratch_bytes() const { return layout_.total; }

  class Worker;

 private:
  static constexpr int64_t kBlockRows = SoftmaxState::kMaxRows;
  static constexpr int64_t kPanelKeys = 256;
  // Keys are packed, and their products computed, in multiples of this.
  static constexpr int64_t kKeyStep = 32;
  static constexpr size_t kNumWidths = kPanelKeys / kKeyStep;
  // The rows of a tile of scores are this far apart, not to be a power of two, which would put
  // them all into the same lines of the cache.
  static constexpr int64_t kScoreStride = kPanelKeys + 16;
  static constexpr std::array<int64_t, 3> kRowCounts = {8, 16, kBlockRows};
  // Blocks that take turns on the panels of a head of more bytes than are sure to stay in the
  // second-level cache.
  static constexpr int64_t kMaxBlocks = 4;
  static constexpr int64_t kCachedHeadBytes = int64_t{1} << 20;

  // The kernels for one number of rows and of keys.
  struct Kernels {
    std::shared_ptr<const onednn::MicroKernel> scores;       // Q K^T
    std::shared_ptr<const onednn::MicroKernel> some_scores;  // the first keys of a whole panel
    std::shared_ptr<const onednn::MicroKernel> output;       // P V
    std::shared_ptr<const onednn::MicroKernel> more_output;  // += P V
  };
  // Where things are in a thread's scratch, in bytes.
  struct Layout {
    int64_t keys = 0, values = 0, scores = 0, kernel = 0;
    int64_t blocks = 0, block_bytes = 0;  // of each block:
    int64_t queries = 0, sums = 0;        // from its beginning, where its SoftmaxState is
    int64_t total = 0;
  };
  // Up to kBlockRows rows of a task.
  struct Block {
    int64_t sequence, kv_head;
    int64_t first_row, rows;
    int64_t first_panel, end_panel;    // the panels with keys that some row sees
    int64_t end_key;                   // no row sees this key or one after it
    int64_t common_begin, common_end;  // every row sees these keys
    size_t row_count;                  // index of the kernels' number of rows
    HeadRows head_keys;
    char *queries, *keys, *values, *kernel;
    float *scores, *sums;
    SoftmaxState* state;
    std::array<ScoreRow, kBlockRows> score_rows;
  };

  absl::Status PlanScratch();
  absl::Status FetchKernels(onednn::KernelCache& cache);
  absl::Status FetchKernelsOf(onednn::KernelCache& cache, int64_t rows, int64_t keys,
                              Kernels* kernels);

  // The smallest of kRowCounts that holds `rows`, as an index.
  size_t RowCountIndex(int64_t rows) const;
  int64_t BlocksTogether(int64_t sequence) const;
  const Kernels& kernels(size_t row_count, int64_t keys) const {
    return kernels_[row_count][static_cast<size_t>(keys / kKeyStep - 1)];
  }
  // Keys to which a panel is padded.
  int64_t PanelKeys(int64_t sequence, int64_t panel) const;

  void PackHead(const AttentionTask& task, char* scratch) const;
  void RunBlocks(const AttentionTask& task, int64_t first_row, int64_t end_row,
                 Worker* worker) const;
  void DescribeBlock(const AttentionTask& task, int64_t first_row, int64_t index, char* scratch,
                     Block* described) const;
  void CopyQueries(const Block& block) const;
  void RunPanel(const Block& block, int64_t panel, onednn::MatrixUnit& unit) const;
  void FinishBlock(const Block& block) const;

  const AttentionRows rows_;
  const DType compute_;
  const ScoreRules rules_;
  const int64_t depth_;        // head_dim and zeros
  const int64_t value_width_;  // value_dim and zeros
  Layout layout_;
  std::array<std::array<Kernels, kNumWidths>, kRowCounts.size()> kernels_;
};

/// A thread's run of tasks. Uses the matrix unit of the calling thread, in a scope.
class AttentionTiles::Worker {
 public:
  Worker(const AttentionTiles& tiles, char* scratch) : tiles_(tiles), scratch_(scratch) {}
  void Run(const AttentionTask& task);

 private:
  friend class AttentionTiles;
  const AttentionTiles& tiles_;
  char* const scratch_;
  onednn::MatrixUnit unit_;
  std::array<Block, kMaxBlocks> blocks_;
  // The head that is packed in the scratch.
  int64_t sequence_ = -1, kv_head_ = -1;
};

}  // namespace attentiond
