#include "core/ops/attention_tiles.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/onednn/isa.h"
#include "core/reference/attention.h"
#include "core/tensor/aligned_buffer.h"

namespace attentiond {
namespace {

// Tasks for each thread, so that one that finishes early takes over another's.
constexpr int64_t kTasksPerThread = 4;
// A task packs its keys and values again: fewer rows than this are not worth it.
constexpr int64_t kMinTaskRows = 128;

int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// The keys that a query sees, before mask and bias.
struct KeyRange {
  int64_t begin = 0, end = 0;
};

KeyRange VisibleKeys(const AttentionArgs& args, int64_t b, int64_t token, int64_t num_keys) {
  const int64_t queries = args.query_lengths.length(b), keys = args.kv_lengths.length(b);
  const int64_t position = token + keys - queries;  // the key that is level with the query
  KeyRange range{0, num_keys};
  if (args.causal) range.end = std::clamp<int64_t>(position + 1, 0, num_keys);
  // A window beyond queries + keys hides nothing, and must not overflow.
  if (args.window.has_value()) {
    range.begin = std::max<int64_t>(0, position - std::min(*args.window, queries + keys) + 1);
  }
  if (range.begin >= range.end) return {0, 0};
  return range;
}

}  // namespace

struct AttentionTiles::Block {
  int64_t sequence, kv_head, group;
  int64_t first_row, rows;
  int64_t first_panel, end_panel;  // the panels with keys that some row sees
  size_t row_count;                // index of the kernels' number of rows
  char *queries, *keys, *values, *kernel;
  float *scores, *sums;
  std::array<RowSummary, kBlockRows> summaries;

  int64_t token(int64_t r) const { return (first_row + r) / group; }
  int64_t head(int64_t r) const { return kv_head * group + (first_row + r) % group; }
};

HeadRows AttentionTiles::Head(const AttentionOperand& operand, const SequenceLengths& lengths,
                              int64_t b, int64_t h, int64_t channels) const {
  return {static_cast<const char*>(operand.data) +
              TokenOffset(operand, lengths, b, h, 0) * static_cast<int64_t>(ByteSize(args_.dtype)),
          operand.token_stride, channels, args_.dtype};
}

bool AttentionTiles::Supports(const AttentionArgs& args) {
  return onednn::HasMicroKernels(DType::kF32) && args.head_dim <= kMaxHeadDim &&
         args.value_dim <= kMaxHeadDim;
}

DType AttentionTiles::ComputeType(const AttentionArgs& args) {
  return args.dtype == DType::kBF16 && onednn::HasMicroKernels(DType::kBF16) ? DType::kBF16
                                                                             : DType::kF32;
}

AttentionTiles::AttentionTiles(const AttentionArgs& args, const AttentionOutputs& outputs)
    : args_(args),
      outputs_(outputs),
      compute_(ComputeType(args)),
      group_(args.num_heads / args.num_kv_heads),
      // A matrix unit takes 32 bf16 at once.
      depth_(RoundUp(args.head_dim, compute_ == DType::kBF16 ? 32 : 16)),
      value_width_(RoundUp(args.value_dim, compute_ == DType::kBF16 ? 32 : 16)) {}

absl::StatusOr<AttentionTiles> AttentionTiles::Create(const AttentionArgs& args,
                                                      const AttentionOutputs& outputs,
                                                      onednn::KernelCache& cache, int num_threads) {
  AttentionTiles tiles(args, outputs);
  RETURN_IF_ERROR(tiles.PlanScratch());
  tiles.DivideWork(num_threads);
  RETURN_IF_ERROR(tiles.FetchKernels(cache));
  return tiles;
}

absl::Status AttentionTiles::PlanScratch() {
  int64_t max_keys = 0;
  for (int64_t b = 0; b < args_.batch; ++b) {
    if (args_.query_lengths.length(b) > 0) max_keys = std::max(max_keys, num_keys(b));
  }
  const auto element = static_cast<int64_t>(ByteSize(compute_));
  const int64_t bytes_per_key =
      (depth_ + value_width_) * element + kBlockRows * static_cast<int64_t>(sizeof(float));
  if (max_keys > kMaxScratchBytes / bytes_per_key) {
    return absl::ResourceExhaustedError(
        absl::StrCat("attention: a sequence has ", max_keys, " keys; with head_dim ",
                     args_.head_dim, " and value_dim ", args_.value_dim, " at most ",
                     kMaxScratchBytes / bytes_per_key, " are supported"));
  }
  const int64_t packed_keys = RoundUp(max_keys, kKeyStep);
  const int64_t panels = (packed_keys + kPanelKeys - 1) / kPanelKeys;
  const auto place = [this](int64_t bytes) {
    const int64_t offset = layout_.total;
    layout_.total += RoundUp(bytes, AlignedBuffer::kAlignment);
    return offset;
  };
  layout_.queries = place(kBlockRows * depth_ * element);
  layout_.keys = place(packed_keys * depth_ * element);
  layout_.values = place(packed_keys * value_width_ * element);
  layout_.scores = place(panels * kTileScores * static_cast<int64_t>(sizeof(float)));
  layout_.sums = place(kBlockRows * value_width_ * static_cast<int64_t>(sizeof(float)));
  layout_.kernel = place(onednn::MicroKernel::kScratchBytes);
  return absl::OkStatus();
}

void AttentionTiles::DivideWork(int num_threads) {
  int64_t max_rows = 1, total_rows = 0;
  for (int64_t b = 0; b < args_.batch; ++b) {
    const int64_t rows = num_rows(b);
    max_rows = std::max(max_rows, rows);
    total_rows += rows * args_.num_kv_heads;
    multiply_adds_ += static_cast<double>(rows * args_.num_kv_heads) *
                      static_cast<double>(num_keys(b) * (depth_ + value_width_));
  }
  const int64_t share = total_rows / (kTasksPerThread * num_threads);
  task_rows_ = RoundUp(std::clamp(share, std::min(kMinTaskRows, max_rows), max_rows), kBlockRows);
  for (int64_t b = 0; b < args_.batch; ++b) {
    num_tasks_ += args_.num_kv_heads * tasks_per_head(b);
  }
}

size_t AttentionTiles::RowCountIndex(int64_t rows) const {
  // A matrix unit multiplies 16 rows in the time of 8.
  size_t index = compute_ == DType::kBF16 ? 1 : 0;
  while (kRowCounts[index] < rows) ++index;
  return index;
}

absl::Status AttentionTiles::FetchKernels(onednn::KernelCache& cache) {
  std::array<bool, kRowCounts.size()> row_counts{};
  std::array<bool, kPanelKeys / kKeyStep + 1> widths{};
  for (int64_t b = 0; b < args_.batch; ++b) {
    const int64_t rows = num_rows(b), keys = num_keys(b);
    if (rows == 0) continue;
    row_counts.back() |= rows >= kBlockRows;
    if (rows % kBlockRows > 0) row_counts[RowCountIndex(rows % kBlockRows)] = true;
    widths.back() |= keys >= kPanelKeys;
    widths[static_cast<size_t>(RoundUp(keys % kPanelKeys, kKeyStep) / kKeyStep)] = true;
  }
  onednn::MicroKernelShape shape;
  shape.dtype = compute_;
  for (size_t r = 0; r < kRowCounts.size(); ++r) {
    for (size_t w = 1; w < widths.size(); ++w) {
      if (!row_counts[r] || !widths[w]) continue;
      Kernels& kernels = kernels_[r][w - 1];
      const int64_t keys = static_cast<int64_t>(w) * kKeyStep;
      shape.rows = kRowCounts[r];
      shape.accumulate = false;
      shape.columns = keys;
      shape.depth = shape.a_stride = depth_;
      shape.c_stride = kScoreStride;
      ASSIGN_OR_RETURN(kernels.scores, cache.Get(shape));
      shape.columns = shape.c_stride = value_width_;
      shape.depth = keys;
      // bf16 probabilities take half of the scores' space.
      shape.a_stride = kScoreStride * static_cast<int64_t>(sizeof(float) / ByteSize(compute_));
      ASSIGN_OR_RETURN(kernels.output, cache.Get(shape));
      shape.accumulate = true;
      ASSIGN_OR_RETURN(kernels.more_output, cache.Get(shape));
    }
  }
  return absl::OkStatus();
}

int64_t AttentionTiles::PanelKeys(int64_t sequence, int64_t panel) const {
  return RoundUp(std::min(kPanelKeys, num_keys(sequence) - panel * kPanelKeys), kKeyStep);
}

AttentionTiles::Task AttentionTiles::FindTask(int64_t index) const {
  Task task;
  while (index >= args_.num_kv_heads * tasks_per_head(task.sequence)) {
    index -= args_.num_kv_heads * tasks_per_head(task.sequence);
    ++task.sequence;
  }
  const int64_t per_head = tasks_per_head(task.sequence);
  task.kv_head = index / per_head;
  task.row_begin = index % per_head * task_rows_;
  task.row_end = std::min(num_rows(task.sequence), task.row_begin + task_rows_);
  return task;
}

void AttentionTiles::Advance(Task& task) const {
  task.row_begin = task.row_end;
  if (task.row_begin == num_rows(task.sequence)) {
    task.row_begin = 0;
    if (++task.kv_head == args_.num_kv_heads) {
      task.kv_head = 0;
      do {
        ++task.sequence;
      } while (task.sequence < args_.batch && num_rows(task.sequence) == 0);
      if (task.sequence == args_.batch) return;
    }
  }
  task.row_end = std::min(num_rows(task.sequence), task.row_begin + task_rows_);
}

void AttentionTiles::Run(int64_t begin, int64_t end, char* scratch) const {
  onednn::MatrixUnit unit;
  Task task = FindTask(begin);
  for (int64_t index = begin; index < end; ++index, Advance(task)) {
    // Tasks of one head follow each other; the head that is packed stays so.
    if (index == begin || task.row_begin == 0) PackHead(task, scratch);
    for (int64_t row = task.row_begin; row < task.row_end; row += kBlockRows) {
      Block block = DescribeBlock(task, row, scratch);
      MultiplyKeys(block, unit);
      ComputeProbabilities(block);
      MultiplyValues(block, unit);
      StoreOutputs(block);
    }
  }
}

void AttentionTiles::PackHead(const Task& task, char* scratch) const {
  const int64_t b = task.sequence, h = task.kv_head;
  const HeadRows keys = Head(args_.key, args_.kv_lengths, b, h, args_.head_dim);
  const HeadRows values = Head(args_.value, args_.kv_lengths, b, h, args_.value_dim);
  const auto element = static_cast<int64_t>(ByteSize(compute_));
  const int64_t count = num_keys(b);
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

AttentionTiles::Block AttentionTiles::DescribeBlock(const Task& task, int64_t first_row,
                                                    char* scratch) const {
  Block block{};
  block.sequence = task.sequence;
  block.kv_head = task.kv_head;
  block.group = group_;
  block.first_row = first_row;
  block.rows = std::min(kBlockRows, task.row_end - first_row);
  block.row_count = RowCountIndex(block.rows);
  block.queries = scratch + layout_.queries;
  block.keys = scratch + layout_.keys;
  block.values = scratch + layout_.values;
  block.kernel = scratch + layout_.kernel;
  block.scores = reinterpret_cast<float*>(scratch + layout_.scores);
  block.sums = reinterpret_cast<float*>(scratch + layout_.sums);
  KeyRange seen{std::numeric_limits<int64_t>::max(), 0};
  for (int64_t r = 0; r < block.rows; ++r) {
    const KeyRange range =
        VisibleKeys(args_, task.sequence, block.token(r), num_keys(task.sequence));
    if (range.begin == range.end) continue;
    seen.begin = std::min(seen.begin, range.begin);
    seen.end = std::max(seen.end, range.end);
  }
  if (seen.end > 0) {
    block.first_panel = seen.begin / kPanelKeys;
    block.end_panel = (seen.end + kPanelKeys - 1) / kPanelKeys;
  }
  return block;
}

void AttentionTiles::MultiplyKeys(const Block& block, onednn::MatrixUnit& unit) const {
  const int64_t row_bytes = depth_ * static_cast<int64_t>(ByteSize(compute_));
  for (int64_t r = 0; r < block.rows; ++r) {
    const HeadRows queries =
        Head(args_.query, args_.query_lengths, block.sequence, block.head(r), args_.head_dim);
    CopyQuery(queries, block.token(r), compute_, depth_, block.queries + r * row_bytes);
  }
  std::fill_n(block.queries + block.rows * row_bytes,
              (kRowCounts[block.row_count] - block.rows) * row_bytes, char{0});
  for (int64_t panel = block.first_panel; panel < block.end_panel; ++panel) {
    const onednn::MicroKernel& kernel =
        *kernels(block.row_count, PanelKeys(block.sequence, panel)).scores;
    unit.Prepare(kernel);
    kernel.Run(block.queries, block.keys + panel * kPanelKeys * row_bytes,
               block.scores + panel * kTileScores, block.kernel);
  }
}

void AttentionTiles::ComputeProbabilities(Block& block) const {
  const int64_t last = block.end_panel - 1;
  const HeadRows keys =
      Head(args_.key, args_.kv_lengths, block.sequence, block.kv_head, args_.head_dim);
  for (int64_t r = 0; r < block.rows; ++r) {
    ScoreRow row = DescribeRow(block.sequence, block.head(r), block.token(r));
    row.keys = &keys;
    row.query =
        Head(args_.query, args_.query_lengths, block.sequence, block.head(r), args_.head_dim)
            .row(block.token(r));
    row.scores = block.scores + r * kScoreStride;
    row.first_panel = block.first_panel;
    row.end = block.first_panel == block.end_panel
                  ? block.first_panel * kPanelKeys
                  : last * kPanelKeys + PanelKeys(block.sequence, last);
    const RowSummary summary = SoftmaxRow(row);
    block.summaries[static_cast<size_t>(r)] = summary;
    if (outputs_.lse != nullptr) {
      *LsePlace(args_, outputs_, block.sequence, block.head(r), block.token(r)) = summary.lse;
    }
  }
}

void AttentionTiles::MultiplyValues(const Block& block, onednn::MatrixUnit& unit) const {
  if (block.first_panel == block.end_panel) {
    std::fill_n(block.sums, block.rows * value_width_, 0.0f);
  }
  const int64_t row_bytes = value_width_ * static_cast<int64_t>(ByteSize(compute_));
  for (int64_t panel = block.first_panel; panel < block.end_panel; ++panel) {
    const Kernels& of_panel = kernels(block.row_count, PanelKeys(block.sequence, panel));
    const onednn::MicroKernel& kernel =
        panel == block.first_panel ? *of_panel.output : *of_panel.more_output;
    unit.Prepare(kernel);
    kernel.Run(block.scores + panel * kTileScores, block.values + panel * kPanelKeys * row_bytes,
               block.sums, block.kernel);
  }
}

void AttentionTiles::StoreOutputs(const Block& block) const {
  const int64_t b = block.sequence;
  for (int64_t r = 0; r < block.rows; ++r) {
    const int64_t head = block.head(r), token = block.token(r);
    void* const y = static_cast<char*>(outputs_.output.data) +
                    TokenOffset(outputs_.output, args_.query_lengths, b, head, token) *
                        static_cast<int64_t>(ByteSize(args_.dtype));
    const RowSummary& summary = block.summaries[static_cast<size_t>(r)];
    const bool stored = StoreFiniteRow(block.sums + r * value_width_, summary.inverse_sum,
                                       args_.value_dim, args_.dtype, y);
    if (!stored || !summary.finite) {
      reference::AttentionRows(args_, outputs_, b, head, token, token + 1);
    }
  }
}

ScoreRow AttentionTiles::DescribeRow(int64_t b, int64_t h, int64_t token) const {
  ScoreRow row;
  row.panel_stride = kTileScores;
  const KeyRange visible = VisibleKeys(args_, b, token, num_keys(b));
  row.visible_begin = visible.begin;
  row.visible_end = visible.end;
  row.scale =
      static_cast<float>(args_.scale.value_or(1 / std::sqrt(static_cast<double>(args_.head_dim))));
  if (args_.softcap.has_value()) {
    row.softcap = std::max(static_cast<float>(*args_.softcap), std::numeric_limits<float>::min());
  }
  if (args_.bias.data != nullptr) {
    row.bias = args_.bias.data + b * args_.bias.batch_stride + h * args_.bias.head_stride +
               token * args_.bias.query_stride;
    row.bias_stride = args_.bias.key_stride;
  }
  if (args_.mask.data != nullptr) {
    row.mask = args_.mask.data + b * args_.mask.batch_stride + h * args_.mask.head_stride +
               token * args_.mask.query_stride;
    row.mask_stride = args_.mask.key_stride;
  }
  row.dtype = compute_;
  if (outputs_.weights != nullptr) {
    row.weights = WeightsRow(args_, outputs_, b, h, token);
    row.num_weights = args_.kv_lengths.length(b);
  }
  return row;
}

}  // namespace attentiond
