// core/ops/attention_tiles.h -- attention as products of small tiles by micro-kernels, with whole
// rows of scores. Private to core/ops.
//
// A task is a run of query rows of one key/value head of one sequence. The query heads that share
// the key/value head are folded into its rows (row = token * group + head in group), so that keys
// and values are packed once for all of them, in the task's thread's own memory. Blocks of up to 32
// rows are multiplied with all keys they see, each row's scores become exponentials in f32, those
// are multiplied with the values, and the products divided by the exponentials' sum. A row whose
// scores leave f32's range is done again by the reference, in double.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "core/onednn/context.h"
#include "core/ops/attention_kernels.h"
#include "core/tensor/attention_args.h"

namespace attentiond {

/// One Attention() call on micro-kernels. The arguments are valid and outlive it.
class AttentionTiles {
 public:
  static constexpr int64_t kMaxHeadDim = 1024;
  /// The most scratch a thread may take: 300,000 keys at a head size of 64 in f32.
  static constexpr int64_t kMaxScratchBytes = int64_t{192} << 20;

  /// Whether this processor and these head sizes have micro-kernels.
  static bool Supports(const AttentionArgs& args);
  /// bf16 where both the data and the processor have it, else f32.
  static DType ComputeType(const AttentionArgs& args);

  /// Fetches the kernels. kResourceExhausted: a sequence has too many keys for the scratch limit.
  static absl::StatusOr<AttentionTiles> Create(const AttentionArgs& args,
                                               const AttentionOutputs& outputs,
                                               onednn::KernelCache& cache, int num_threads);

  int64_t num_tasks() const { return num_tasks_; }
  /// Of 64-byte aligned memory that each thread needs.
  int64_t scratch_bytes() const { return layout_.total; }
  /// Multiplications and additions of all tasks.
  double multiply_adds() const { return multiply_adds_; }
  /// Runs the tasks [begin, end) in the calling thread's scratch.
  void Run(int64_t begin, int64_t end, char* scratch) const;

 private:
  static constexpr int64_t kBlockRows = 32;
  static constexpr int64_t kPanelKeys = ScoreRow::kPanelKeys;
  // Keys are packed, and their products computed, in multiples of this.
  static constexpr int64_t kKeyStep = 32;
  // The rows of a tile of scores are this far apart, not to be a power of two, which would put
  // them all into the same lines of the cache.
  static constexpr int64_t kScoreStride = kPanelKeys + 16;
  static constexpr int64_t kTileScores = kBlockRows * kScoreStride;
  static constexpr std::array<int64_t, 3> kRowCounts = {8, 16, kBlockRows};

  // The kernels for one number of rows and one width of panel.
  struct Kernels {
    std::shared_ptr<const onednn::MicroKernel> scores;       // Q K^T
    std::shared_ptr<const onednn::MicroKernel> output;       // P V
    std::shared_ptr<const onednn::MicroKernel> more_output;  // += P V
  };
  // Where things are in a thread's scratch, in bytes.
  struct Layout {
    int64_t queries = 0, keys = 0, values = 0, scores = 0, sums = 0, kernel = 0, total = 0;
  };
  struct Task {
    int64_t sequence = 0, kv_head = 0, row_begin = 0, row_end = 0;
  };
  // Up to kBlockRows rows of a task, in a thread's scratch.
  struct Block;

  AttentionTiles(const AttentionArgs& args, const AttentionOutputs& outputs);
  void DivideWork(int num_threads);
  absl::Status PlanScratch();
  absl::Status FetchKernels(onednn::KernelCache& cache);

  int64_t num_rows(int64_t sequence) const { return args_.query_lengths.length(sequence) * group_; }
  int64_t tasks_per_head(int64_t sequence) const {
    return (num_rows(sequence) + task_rows_ - 1) / task_rows_;
  }
  // Keys that some query of the sequence may see; the others are not even read.
  int64_t num_keys(int64_t sequence) const {
    return args_.valid_kv.empty() ? args_.kv_lengths.length(sequence)
                                  : args_.valid_kv[static_cast<size_t>(sequence)];
  }
  // The smallest of kRowCounts that holds `rows`, as an index.
  size_t RowCountIndex(int64_t rows) const;
  const Kernels& kernels(size_t row_count_index, int64_t panel_keys) const {
    return kernels_[row_count_index][static_cast<size_t>(panel_keys / kKeyStep - 1)];
  }

  // The head (b, h) of an operand.
  HeadRows Head(const AttentionOperand& operand, const SequenceLengths& lengths, int64_t b,
                int64_t h, int64_t channels) const;
  // Keys to which a panel is padded.
  int64_t PanelKeys(int64_t sequence, int64_t panel) const;

  Task FindTask(int64_t index) const;
  void Advance(Task& task) const;
  void PackHead(const Task& task, char* scratch) const;
  Block DescribeBlock(const Task& task, int64_t first_row, char* scratch) const;
  void MultiplyKeys(const Block& block, onednn::MatrixUnit& unit) const;
  void ComputeProbabilities(Block& block) const;
  void MultiplyValues(const Block& block, onednn::MatrixUnit& unit) const;
  void StoreOutputs(const Block& block) const;
  ScoreRow DescribeRow(int64_t sequence, int64_t head, int64_t token) const;

  const AttentionArgs& args_;
  const AttentionOutputs& outputs_;
  const DType compute_;
  const int64_t group_;        // query heads that share a key/value head
  const int64_t depth_;        // head_dim and zeros
  const int64_t value_width_;  // value_dim and zeros
  int64_t task_rows_ = 0;
  int64_t num_tasks_ = 0;
  double multiply_adds_ = 0;
  Layout layout_;
  std::array<std::array<Kernels, kPanelKeys / kKeyStep>, kRowCounts.size()> kernels_;
};

}  // namespace attentiond
