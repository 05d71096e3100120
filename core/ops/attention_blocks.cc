#include "core/ops/attention_blocks.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/tensor/aligned_buffer.h"

namespace attentiond {
namespace {

int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

AttentionBlocks::AttentionBlocks(const AttentionRows& rows, DType compute, int64_t depth,
                                 int64_t value_width)
    : rows_(rows),
      compute_(compute),
      rules_(rows.Rules(compute)),
      depth_(depth),
      value_width_(value_width) {}

absl::Status AttentionBlocks::PlanScratch(const ScratchSizes& sizes) {
  const AttentionArgs& args = rows_.args();
  int64_t max_keys = 0;
  for (int64_t b = 0; b < args.batch; ++b) {
    if (rows_.num_rows(b) > 0 && !AttentionPlan::IsFew(rows_.num_rows(b))) {
      max_keys = std::max(max_keys, rows_.num_keys(b));
    }
  }
  const auto element = static_cast<int64_t>(ByteSize(compute_));
  const int64_t bytes_per_key = (depth_ + value_width_) * element;
  if (max_keys > kMaxScratchBytes / bytes_per_key) {
    return absl::ResourceExhaustedError(
        absl::StrCat("attention: a sequence has ", max_keys, " keys; with head_dim ", args.head_dim,
                     " and value_dim ", args.value_dim, " at most ",
                     kMaxScratchBytes / bytes_per_key, " are supported"));
  }
  const int64_t packed_keys = RoundUp(max_keys, kKeyStep);
  const auto place = [](int64_t bytes, int64_t* total) {
    const int64_t offset = *total;
    *total += RoundUp(bytes, AlignedBuffer::kAlignment);
    return offset;
  };
  layout_.shared = place(sizes.shared, &layout_.total);
  layout_.keys = place(packed_keys * depth_ * element, &layout_.total);
  layout_.values = place(packed_keys * value_width_ * element, &layout_.total);
  layout_.state = place(sizes.state, &layout_.block_bytes);
  layout_.queries = place(kBlockRows * depth_ * element, &layout_.block_bytes);
  layout_.sums =
      place(kBlockRows * value_width_ * static_cast<int64_t>(sizeof(float)), &layout_.block_bytes);
  layout_.blocks = place(kMaxBlocks * layout_.block_bytes, &layout_.total);
  return absl::OkStatus();
}

void AttentionBlocks::Worker::Run(const AttentionTask& task) {
  if (task.sequence != sequence_ || task.kv_head != kv_head_) {
    kernel_.PackHead(task, scratch_);
    sequence_ = task.sequence;
    kv_head_ = task.kv_head;
  }
  constexpr int64_t kStep = kMaxBlocks * kBlockRows;
  for (int64_t row = task.row_begin; row < task.row_end; row += kStep) {
    kernel_.RunBlocks(task, row, std::min(task.row_end, row + kStep), this);
  }
}

void AttentionBlocks::PackHead(const AttentionTask& task, char* scratch) const {
  const HeadRows keys = rows_.Keys(task.sequence, task.kv_head);
  const HeadRows values = rows_.Values(task.sequence, task.kv_head);
  const auto element = static_cast<int64_t>(ByteSize(compute_));
  const int64_t total = rows_.num_keys(task.sequence);
  for (int64_t first = 0; first < total; first += kPanelKeys) {
    const int64_t count = std::min(kPanelKeys, total - first), padded = RoundUp(count, kKeyStep);
    PackKeyPanel({keys, first, count, padded, scratch + layout_.keys + first * depth_ * element});
    PackValuePanel(
        {values, first, count, padded, scratch + layout_.values + first * value_width_ * element});
  }
}

bool AttentionBlocks::IsCached(int64_t sequence) const {
  const auto element = static_cast<int64_t>(ByteSize(compute_));
  return rows_.num_keys(sequence) * (depth_ + value_width_) * element <= kCachedHeadBytes;
}

void AttentionBlocks::RunBlocks(const AttentionTask& task, int64_t first_row, int64_t end_row,
                                Worker* worker) const {
  // Queries are packed well before they are multiplied, and have left the store buffer by then;
  // outputs are asked for well before they are written.
  int64_t count = 0, first_panel = std::numeric_limits<int64_t>::max(), end_panel = 0;
  for (int64_t row = first_row; row < end_row; row += kBlockRows, ++count) {
    Block& block = worker->blocks_[static_cast<size_t>(count)];
    DescribeBlock(task, row, count, worker->scratch_, &block);
    rows_.FetchOutputs(block.sequence, block.kv_head, block.first_row, block.rows);
    BeginBlock(block);
    if (!block.sees_keys()) continue;
    first_panel = std::min(first_panel, block.first_panel);
    end_panel = std::max(end_panel, block.end_panel);
  }
  // One panel for all blocks, or one block with all panels.
  const int64_t together = IsCached(task.sequence) ? end_panel - first_panel : 1;
  const absl::Span<const Block> blocks =
      absl::MakeConstSpan(worker->blocks_).first(static_cast<size_t>(count));
  for (int64_t panel = first_panel; panel < end_panel; panel += together) {
    RunPanels(blocks, panel, panel + together, *worker);
  }
  for (const Block& block : blocks) FinishBlock(block);
}

void AttentionBlocks::DescribeBlock(const AttentionTask& task, int64_t first_row, int64_t index,
                                    char* scratch, Block* described) const {
  Block& block = *described;
  block.sequence = task.sequence;
  block.kv_head = task.kv_head;
  block.first_row = first_row;
  block.rows = std::min(kBlockRows, task.row_end - first_row);
  block.head_keys = rows_.Keys(task.sequence, task.kv_head);
  block.keys = scratch + layout_.keys;
  block.values = scratch + layout_.values;
  block.shared = scratch + layout_.shared;
  char* const own = scratch + layout_.blocks + index * layout_.block_bytes;
  block.state = own + layout_.state;
  block.queries = own + layout_.queries;
  block.sums = reinterpret_cast<float*>(own + layout_.sums);
  int64_t begin = std::numeric_limits<int64_t>::max(), end = 0;
  rows_.Describe(task.sequence, task.kv_head, first_row, block.rows, block.score_rows.data());
  block.common_begin = 0;
  block.common_end = std::numeric_limits<int64_t>::max();
  for (int64_t r = 0; r < block.rows; ++r) {
    const ScoreRow& row = block.score_rows[static_cast<size_t>(r)];
    block.common_begin = std::max(block.common_begin, row.visible_begin);
    block.common_end = std::min(block.common_end, row.visible_end);
    if (row.visible_begin == row.visible_end) continue;
    begin = std::min(begin, row.visible_begin);
    end = std::max(end, row.visible_end);
  }
  block.begin_key = end == 0 ? 0 : begin;
  block.end_key = end;
  block.first_panel = block.begin_key / kPanelKeys;
  block.end_panel = (end + kPanelKeys - 1) / kPanelKeys;
}

}  // namespace attentiond
