#include "core/ops/attention_tiles.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/onednn/isa.h"
#include "core/tensor/aligned_buffer.h"

namespace attentiond {
namespace {

int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

bool AttentionTiles::Supports(const AttentionArgs& args) {
  return onednn::HasMicroKernels(DType::kF32) && args.head_dim <= kMaxHeadDim &&
         args.value_dim <= kMaxHeadDim;
}

DType AttentionTiles::ComputeType(const AttentionArgs& args) {
  return args.dtype == DType::kBF16 && onednn::HasMicroKernels(DType::kBF16) ? DType::kBF16
                                                                             : DType::kF32;
}

AttentionTiles::AttentionTiles(const AttentionRows& rows)
    : rows_(rows),
      compute_(ComputeType(rows.args())),
      rules_(rows.Rules(compute_)),
      // A matrix unit takes 32 bf16 at once.
      depth_(RoundUp(rows.args().head_dim, compute_ == DType::kBF16 ? 32 : 16)),
      value_width_(RoundUp(rows.args().value_dim, compute_ == DType::kBF16 ? 32 : 16)) {}

absl::Status AttentionTiles::Prepare(onednn::KernelCache& cache) {
  RETURN_IF_ERROR(PlanScratch());
  return FetchKernels(cache);
}

absl::Status AttentionTiles::PlanScratch() {
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
  const auto place = [this](int64_t bytes) {
    const int64_t offset = layout_.total;
    layout_.total += RoundUp(bytes, AlignedBuffer::kAlignment);
    return offset;
  };
  const auto floats = [](int64_t count) { return count * static_cast<int64_t>(sizeof(float)); };
  layout_.scores = place(floats(kBlockRows * kScoreStride));
  layout_.kernel = place(onednn::MicroKernel::kScratchBytes);
  layout_.keys = place(packed_keys * depth_ * element);
  layout_.values = place(packed_keys * value_width_ * element);
  layout_.queries = static_cast<int64_t>(sizeof(SoftmaxState));
  layout_.sums = layout_.queries + kBlockRows * depth_ * element;
  layout_.block_bytes =
      RoundUp(layout_.sums + floats(kBlockRows * value_width_), AlignedBuffer::kAlignment);
  layout_.blocks = place(kMaxBlocks * layout_.block_bytes);
  return absl::OkStatus();
}

size_t AttentionTiles::RowCountIndex(int64_t rows) const {
  // A matrix unit multiplies 16 rows in the time of 8.
  size_t index = compute_ == DType::kBF16 ? 1 : 0;
  while (kRowCounts[index] < rows) ++index;
  return index;
}

absl::Status AttentionTiles::FetchKernels(onednn::KernelCache& cache) {
  std::array<bool, kRowCounts.size()> row_counts{};
  std::array<bool, kNumWidths + 1> widths{};
  // Where a block's last key depends on its rows, it may be any.
  const bool any_width = rows_.args().causal || rows_.args().window.has_value();
  for (int64_t b = 0; b < rows_.args().batch; ++b) {
    const int64_t rows = rows_.num_rows(b), keys = rows_.num_keys(b);
    if (AttentionPlan::IsFew(rows)) continue;
    row_counts.back() |= rows >= kBlockRows;
    if (rows % kBlockRows > 0) row_counts[RowCountIndex(rows % kBlockRows)] = true;
    widths.back() |= keys >= kPanelKeys;
    widths[static_cast<size_t>(RoundUp(keys % kPanelKeys, kKeyStep) / kKeyStep)] = true;
    if (any_width && keys >= kPanelKeys) widths.fill(true);
  }
  for (size_t r = 0; r < kRowCounts.size(); ++r) {
    for (size_t w = 1; w < widths.size(); ++w) {
      if (!row_counts[r] || !widths[w]) continue;
      RETURN_IF_ERROR(FetchKernelsOf(cache, kRowCounts[r], static_cast<int64_t>(w) * kKeyStep,
                                     &kernels_[r][w - 1]));
    }
  }
  return absl::OkStatus();
}

absl::Status AttentionTiles::FetchKernelsOf(onednn::KernelCache& cache, int64_t rows, int64_t keys,
                                            Kernels* kernels) {
  onednn::MicroKernelShape shape;
  shape.dtype = compute_;
  shape.rows = rows;
  shape.columns = keys;
  shape.depth = shape.a_stride = depth_;
  shape.c_stride = kScoreStride;
  ASSIGN_OR_RETURN(kernels->scores, cache.Get(shape));
  shape.b_stride = kPanelKeys;
  ASSIGN_OR_RETURN(kernels->some_scores, cache.Get(shape));
  shape.b_stride = 0;
  shape.columns = shape.c_stride = value_width_;
  shape.depth = keys;
  // bf16 probabilities take half of the scores' space.
  shape.a_stride = kScoreStride * static_cast<int64_t>(sizeof(float) / ByteSize(compute_));
  ASSIGN_OR_RETURN(kernels->output, cache.Get(shape));
  shape.accumulate = true;
  ASSIGN_OR_RETURN(kernels->more_output, cache.Get(shape));
  return absl::OkStatus();
}

int64_t AttentionTiles::PanelKeys(int64_t sequence, int64_t panel) const {
  return RoundUp(std::min(kPanelKeys, rows_.num_keys(sequence) - panel * kPanelKeys), kKeyStep);
}

void AttentionTiles::Worker::Run(const AttentionTask& task) {
  if (task.sequence != sequence_ || task.kv_head != kv_head_) {
    tiles_.PackHead(task, scratch_);
    sequence_ = task.sequence;
    kv_head_ = task.kv_head;
  }
  const int64_t step = tiles_.BlocksTogether(task.sequence) * kBlockRows;
  for (int64_t row = task.row_begin; row < task.row_end; row += step) {
    tiles_.RunBlocks(task, row, std::min(task.row_end, row + step), this);
  }
}

void AttentionTiles::PackHead(const AttentionTask& task, char* scratch) const {
  const HeadRows keys = rows_.Keys(task.sequence, task.kv_head);
  const HeadRows values = rows_.Values(task.sequence, task.kv_head);
  const auto element = static_cast<int64_t>(ByteSize(compute_));
  const int64_t count = rows_.num_keys(task.sequence);
  for (int64_t first = 0; first < count; first += kPanelKeys) {
    const int64_t used = std::min(kPanelKeys, count - first);
    Panel panel{scratch + layout_.keys + first * depth_ * element, compute_,
                RoundUp(used, kKeyStep), depth_};
    PackKeys(keys, first, used, panel);
    panel.data = scratch + layout_.values + first * value_width_ * element;
    panel.width = value_width_;
    PackValues(values, first, used, panel);
  }
}

int64_t AttentionTiles::BlocksTogether(int64_t sequence) const {
  const int64_t head_bytes =
      rows_.num_keys(sequence) * (depth_ + value_width_) * static_cast<int64_t>(ByteSize(compute_));
  return head_bytes > kCachedHeadBytes ? kMaxBlocks : 1;
}

void AttentionTiles::RunBlocks(const AttentionTask& task, int64_t first_row, int64_t end_row,
                               Worker* worker) const {
  int64_t count = 0, first_panel = std::numeric_limits<int64_t>::max(), end_panel = 0;
  for (int64_t row = first_row; row < end_row; row += kBlockRows, ++count) {
    Block& block = worker->blocks_[static_cast<size_t>(count)];
    DescribeBlock(task, row, count, worker->scratch_, &block);
    BeginSoftmax(block.rows, block.state);
    if (block.first_panel == block.end_panel) {
      std::fill_n(block.sums, block.rows * value_width_, 0.0f);
      continue;
    }
    CopyQueries(block);
    first_panel = std::min(first_panel, block.first_panel);
    end_panel = std::max(end_panel, block.end_panel);
  }
  for (int64_t panel = first_panel; panel < end_panel; ++panel) {
    for (int64_t b = 0; b < count; ++b) {
      const Block& block = worker->blocks_[static_cast<size_t>(b)];
      if (block.first_panel <= panel && panel < block.end_panel)
        RunPanel(block, panel, worker->unit_);
    }
  }
  for (int64_t b = 0; b < count; ++b) FinishBlock(worker->blocks_[static_cast<size_t>(b)]);
}

void AttentionTiles::DescribeBlock(const AttentionTask& task, int64_t first_row, int64_t index,
                                   char* scratch, Block* described) const {
  Block& block = *described;
  block.sequence = task.sequence;
  block.kv_head = task.kv_head;
  block.first_row = first_row;
  block.rows = std::min(kBlockRows, task.row_end - first_row);
  block.row_count = RowCountIndex(block.rows);
  block.head_keys = rows_.Keys(task.sequence, task.kv_head);
  block.keys = scratch + layout_.keys;
  block.values = scratch + layout_.values;
  block.kernel = scratch + layout_.kernel;
  block.scores = reinterpret_cast<float*>(scratch + layout_.scores);
  char* const own = scratch + layout_.blocks + index * layout_.block_bytes;
  block.state = reinterpret_cast<SoftmaxState*>(own);
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
  block.end_key = end;
  block.first_panel = end == 0 ? 0 : begin / kPanelKeys;
  block.end_panel = (end + kPanelKeys - 1) / kPanelKeys;
}

void AttentionTiles::CopyQueries(const Block& block) const {
  const int64_t row_bytes = depth_ * static_cast<int64_t>(ByteSize(compute_));
  rows_.CopyQueries(block.sequence, block.kv_head, block.first_row, block.rows, compute_, depth_,
                    block.queries);
  std::fill_n(block.queries + block.rows * row_bytes,
              (kRowCounts[block.row_count] - block.rows) * row_bytes, char{0});
}

void AttentionTiles::RunPanel(const Block& block, int64_t panel, onednn::MatrixUnit& unit) const {
  const auto element = static_cast<int64_t>(ByteSize(compute_));
  const int64_t first_key = panel * kPanelKeys;
  const int64_t packed = PanelKeys(block.sequence, panel);
  const int64_t keys = packed == kPanelKeys
                           ? std::min(packed, RoundUp(block.end_key - first_key, kKeyStep))
                           : packed;
  const Kernels& of = kernels(block.row_count, keys);
  const onednn::MicroKernel& scores = keys == packed ? *of.scores : *of.some_scores;
  unit.Prepare(scores);
  scores.Run(block.queries, block.keys + first_key * depth_ * element, block.scores, block.kernel);

  const ScoreTile tile = {
      .scores = block.scores,
      .stride = kScoreStride,
      .columns = keys,
      .first_key = first_key,
      .whole = block.common_begin <= first_key && first_key + keys <= block.common_end,
      .keys = &block.head_keys};
  const bool rescaled = AddTile(rules_, block.score_rows.data(), block.rows, tile, block.state);
  const bool first = panel == block.first_panel;
  if (rescaled) {
    RescaleRows(block.state->rescale, block.rows, value_width_, block.sums);
    rows_.RescaleWeights(block.score_rows.data(), block.rows, first_key, *block.state);
  }

  const onednn::MicroKernel& output = first ? *of.output : *of.more_output;
  unit.Prepare(output);
  output.Run(block.scores, block.values + first_key * value_width_ * element, block.sums,
             block.kernel);
}

void AttentionTiles::FinishBlock(const Block& block) const {
  std::array<RowSummary, kBlockRows> summaries;
  EndSoftmax(rules_, *block.state, block.rows, summaries.data());
  rows_.Finish(block.sequence, block.kv_head, block.first_row, block.rows, block.sums, value_width_,
               summaries.data(), block.score_rows.data());
}

}  // namespace attentiond
