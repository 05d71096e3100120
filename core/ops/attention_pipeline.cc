#include "core/ops/attention_pipeline.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/onednn/isa.h"
#include "core/ops/attention_pipeline_worker.h"
#include "core/ops/attention_tiles.h"
#include "core/tensor/aligned_buffer.h"

namespace attentiond {
namespace {

constexpr int64_t kBF16Bytes = 2;
constexpr int64_t kFloatBytes = 4;

int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

bool AttentionPipeline::Supports(const AttentionArgs& args) {
  return args.dtype == DType::kBF16 && onednn::HasMatrixTiles() &&
         args.head_dim <= AttentionTiles::kMaxHeadDim &&
         args.value_dim <= AttentionTiles::kMaxHeadDim;
}

AttentionPipeline::AttentionPipeline(const AttentionRows& rows)
    : rows_(rows),
      rules_(rows.Rules(DType::kBF16)),
      depth_(RoundUp(rows.args().head_dim, 32)),
      value_width_(RoundUp(rows.args().value_dim, 32)) {}

absl::Status AttentionPipeline::Prepare() {
  const AttentionArgs& args = rows_.args();
  int64_t max_keys = 0;
  for (int64_t b = 0; b < args.batch; ++b) {
    if (!AttentionPlan::IsFew(rows_.num_rows(b))) {
      max_keys = std::max(max_keys, rows_.num_keys(b));
    }
  }
  const int64_t key_bytes = (depth_ + value_width_) * kBF16Bytes;
  if (max_keys > AttentionTiles::kMaxScratchBytes / key_bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("attention: a sequence has ", max_keys, " keys; with head_dim ", args.head_dim,
                     " and value_dim ", args.value_dim, " at most ",
                     AttentionTiles::kMaxScratchBytes / key_bytes, " are supported"));
  }
  packed_keys_ = RoundUp(max_keys, kGroupKeys);
  num_heads_kept_ = packed_keys_ <= kMaxKeysBeside ? kTurns : 1;
  const int64_t block_bytes = static_cast<int64_t>(sizeof(SoftmaxState)) +
                              kBlockRows * (depth_ * kBF16Bytes + value_width_ * kFloatBytes);
  scratch_bytes_ = kTurns * (block_bytes + kBlockRows * kScoreStride * kFloatBytes) +
                   num_heads_kept_ * (KeyBytes() + ValueBytes());
  return absl::OkStatus();
}

AttentionPipeline::Worker::Worker(const AttentionPipeline& pipeline, char* scratch)
    : pipeline_(pipeline) {
  const auto take = [&scratch](int64_t bytes) {
    char* const place = scratch;
    scratch += bytes;
    return place;
  };
  for (size_t i = 0; i < kTurns; ++i) {
    scores_[i] = reinterpret_cast<float*>(take(kBlockRows * kScoreStride * kFloatBytes));
    blocks_[i].state = reinterpret_cast<SoftmaxState*>(take(sizeof(SoftmaxState)));
    blocks_[i].queries = take(kBlockRows * pipeline.depth_ * kBF16Bytes);
    blocks_[i].sums =
        reinterpret_cast<float*>(take(kBlockRows * pipeline.value_width_ * kFloatBytes));
  }
  keys_ = scratch;
}

void AttentionPipeline::Worker::Run(const AttentionTask& task) {
  for (int64_t row = task.row_begin; row < task.row_end; row += kBlockRows) RunBlock(task, row);
}

void AttentionPipeline::Worker::PackHead(const AttentionTask& task) {
  const AttentionPipeline& p = pipeline_;
  if (p.num_heads_kept_ == 1) Flush();
  sequence_ = task.sequence;
  kv_head_ = task.kv_head;
  head_keys_ = keys_ + num_heads_ % p.num_heads_kept_ * (p.KeyBytes() + p.ValueBytes());
  head_values_ = head_keys_ + p.KeyBytes();
  ++num_heads_;
  const HeadRows keys = p.rows_.Keys(sequence_, kv_head_);
  const HeadRows values = p.rows_.Values(sequence_, kv_head_);
  const int64_t count = p.rows_.num_keys(sequence_);
  for (int64_t first = 0; first < count; first += kGroupKeys) {
    const int64_t used = std::min(kGroupKeys, count - first);
    Panel panel{head_keys_ + first * p.depth_ * kBF16Bytes, DType::kBF16, kGroupKeys, p.depth_};
    PackKeys(keys, first, used, panel);
    panel.data = head_values_ + first * p.value_width_ * kBF16Bytes;
    panel.width = p.value_width_;
    PackValues(values, first, used, panel);
  }
}

void AttentionPipeline::Worker::RunBlock(const AttentionTask& task, int64_t first_row) {
  const AttentionPipeline& p = pipeline_;
  Block& block = blocks_[static_cast<size_t>(num_blocks_ % kTurns)];
  block.sequence = task.sequence;
  block.kv_head = task.kv_head;
  block.first_row = first_row;
  block.rows = std::min(kBlockRows, task.row_end - first_row);
  block.head_keys = p.rows_.Keys(task.sequence, task.kv_head);
  p.rows_.Describe(task.sequence, task.kv_head, first_row, block.rows, block.score_rows.data());
  int64_t begin = std::numeric_limits<int64_t>::max(), end = 0;
  block.common_begin = 0;
  block.common_end = begin;
  for (int64_t r = 0; r < block.rows; ++r) {
    const ScoreRow& row = block.score_rows[static_cast<size_t>(r)];
    block.common_begin = std::max(block.common_begin, row.visible_begin);
    block.common_end = std::min(block.common_end, row.visible_end);
    if (row.visible_begin == row.visible_end) continue;
    begin = std::min(begin, row.visible_begin);
    end = std::max(end, row.visible_end);
  }
  BeginSoftmax(block.rows, block.state);
  if (end == 0) {
    std::fill_n(block.sums, block.rows * p.value_width_, 0.0f);
    FinishBlock(block);
    return;
  }
  ++num_blocks_;
  if (task.sequence != sequence_ || task.kv_head != kv_head_) PackHead(task);
  p.rows_.CopyQueries(block.sequence, block.kv_head, first_row, block.rows, DType::kBF16, p.depth_,
                      block.queries);
  std::fill_n(block.queries + block.rows * p.depth_ * kBF16Bytes,
              (kBlockRows - block.rows) * p.depth_ * kBF16Bytes, char{0});
  // Tiles are where they are whatever the block's first visible key is.
  const int64_t first = begin / kTileKeys * kTileKeys;
  for (int64_t key = first; key < end; key += kTileKeys) {
    Item item;
    item.block = &block;
    item.first_key = key;
    item.groups = (std::min(kTileKeys, end - key) + kGroupKeys - 1) / kGroupKeys;
    item.first = key == first;
    item.last = key + kTileKeys >= end;
    item.keys = head_keys_ + key * p.depth_ * kBF16Bytes;
    item.values = head_values_ + key * p.value_width_ * kBF16Bytes;
    item.scores = scores_[static_cast<size_t>(num_items_++ % kTurns)];
    Push(item);
  }
}

void AttentionPipeline::Worker::Flush() {
  while (previous_.block != nullptr || current_.block != nullptr) Push(Item());
}

void AttentionPipeline::Worker::FinishBlock(const Block& block) {
  std::array<RowSummary, kBlockRows> summaries;
  EndSoftmax(pipeline_.rules_, *block.state, block.rows, summaries.data());
  pipeline_.rows_.Finish(block.sequence, block.kv_head, block.first_row, block.rows, block.sums,
                         pipeline_.value_width_, summaries.data(), block.score_rows.data());
}

}  // namespace attentiond
