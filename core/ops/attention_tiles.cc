#include "core/ops/attention_tiles.h"

#include <algorithm>

#include "core/base/status_macros.h"
#include "core/onednn/isa.h"

namespace attentiond {
namespace {

int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// A matrix unit takes 32 bf16 at once.
int64_t Width(const AttentionArgs& args, int64_t channels) {
  return RoundUp(channels, AttentionTiles::ComputeType(args) == DType::kBF16 ? 32 : 16);
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
    : AttentionBlocks(rows, ComputeType(rows.args()), Width(rows.args(), rows.args().head_dim),
                      Width(rows.args(), rows.args().value_dim)) {}

absl::Status AttentionTiles::Prepare(onednn::KernelCache& cache) {
  RETURN_IF_ERROR(
      PlanScratch({.shared = kScoreBytes + static_cast<int64_t>(onednn::MicroKernel::kScratchBytes),
                   .state = sizeof(SoftmaxState)}));
  return FetchKernels(cache);
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

void AttentionTiles::PackKeyPanel(const PanelSource& panel) const {
  PackKeys(panel.head, panel.first, panel.count, {panel.packed, compute_, panel.padded, depth_});
}

void AttentionTiles::PackValuePanel(const PanelSource& panel) const {
  PackValues(panel.head, panel.first, panel.count,
             {panel.packed, compute_, panel.padded, value_width_});
}

void AttentionTiles::BeginBlock(const Block& block) const {
  BeginSoftmax(block.rows, State(block));
  if (!block.sees_keys()) {
    std::fill_n(block.sums, block.rows * value_width_, 0.0f);
    return;
  }
  const int64_t row_bytes = depth_ * static_cast<int64_t>(ByteSize(compute_));
  rows_.CopyQueries(block.sequence, block.kv_head, block.first_row, block.rows, compute_, depth_,
                    block.queries);
  std::fill_n(block.queries + block.rows * row_bytes,
              (kRowCounts[RowCountIndex(block.rows)] - block.rows) * row_bytes, char{0});
}

void AttentionTiles::RunPanels(absl::Span<const Block> blocks, int64_t first_panel,
                               int64_t end_panel, Worker& worker) const {
  for (const Block& block : blocks) {
    const int64_t end = std::min(block.end_panel, end_panel);
    for (int64_t panel = std::max(block.first_panel, first_panel); panel < end; ++panel) {
      RunPanel(block, panel, worker);
    }
  }
}

void AttentionTiles::RunPanel(const Block& block, int64_t panel, Worker& worker) const {
  const auto element = static_cast<int64_t>(ByteSize(compute_));
  const int64_t first_key = panel * kPanelKeys;
  const int64_t packed =
      RoundUp(std::min(kPanelKeys, rows_.num_keys(block.sequence) - first_key), kKeyStep);
  const int64_t keys = packed == kPanelKeys
                           ? std::min(packed, RoundUp(block.end_key - first_key, kKeyStep))
                           : packed;
  float* const products = reinterpret_cast<float*>(block.shared);
  char* const kernel_scratch = block.shared + kScoreBytes;
  const Kernels& of = kernels(RowCountIndex(block.rows), keys);
  const onednn::MicroKernel& scores = keys == packed ? *of.scores : *of.some_scores;
  worker.unit().Prepare(scores);
  scores.Run(block.queries, block.keys + first_key * depth_ * element, products, kernel_scratch);

  const ScoreTile tile = {.scores = products,
                          .stride = kScoreStride,
                          .columns = keys,
                          .first_key = first_key,
                          .whole = block.EverySees(first_key, keys),
                          .keys = &block.head_keys};
  SoftmaxState* const state = State(block);
  if (AddTile(rules_, block.score_rows.data(), block.rows, tile, state)) {
    RescaleRows(state->rescale, block.rows, value_width_, block.sums);
    rows_.RescaleWeights(block.score_rows.data(), block.rows, first_key, *state);
  }

  const onednn::MicroKernel& output = panel == block.first_panel ? *of.output : *of.more_output;
  worker.unit().Prepare(output);
  output.Run(products, block.values + first_key * value_width_ * element, block.sums,
             kernel_scratch);
}

void AttentionTiles::FinishBlock(const Block& block) const {
  std::array<RowSummary, kBlockRows> summaries;
  EndSoftmax(rules_, *State(block), block.rows, summaries.data());
  rows_.Finish(block.sequence, block.kv_head, block.first_row, block.rows, block.sums, value_width_,
               summaries.data(), block.score_rows.data());
}

}  // namespace attentiond
