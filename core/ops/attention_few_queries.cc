#include "core/ops/attention_few_queries.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/ops/attention_few_queries_kernels.h"
#include "core/tensor/aligned_buffer.h"

namespace attentiond {
namespace {

int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

int64_t FloatBytes(int64_t count) { return count * static_cast<int64_t>(sizeof(float)); }

}  // namespace

AttentionFewQueries::AttentionFewQueries(const AttentionRows& rows)
    : rows_(rows),
      rules_(rows.Rules(DType::kF32)),
      query_width_(RoundUp(rows.args().head_dim, 16)),
      value_width_(RoundUp(rows.args().value_dim, 16)) {
  const auto place = [this](int64_t bytes) {
    const int64_t offset = layout_.total;
    layout_.total += RoundUp(bytes, AlignedBuffer::kAlignment);
    return offset;
  };
  layout_.state = place(static_cast<int64_t>(sizeof(SoftmaxState)));
  layout_.queries = place(FloatBytes(kMaxRows * query_width_));
  layout_.scores = place(FloatBytes(kMaxRows * kBlockKeys));
  layout_.sums = place(FloatBytes(kMaxRows * value_width_));
  partial_bytes_ =
      RoundUp(kSummaryBytes + FloatBytes(kMaxRows * value_width_), AlignedBuffer::kAlignment);
}

void AttentionFewQueries::Run(const AttentionTask& task, char* scratch, char* partials) const {
  std::array<ScoreRow, kMaxRows> score_rows;
  rows_.Describe(task.sequence, task.kv_head, 0, task.row_end, score_rows.data());
  rows_.CopyQueries(task.sequence, task.kv_head, 0, task.row_end, DType::kF32, query_width_,
                    scratch + layout_.queries);
  RunChunk(task, score_rows.data(), scratch);
  std::array<RowSummary, kMaxRows> summaries;
  EndSoftmax(rules_, *state(scratch), task.row_end, summaries.data());
  if (task.num_chunks == 1) {
    rows_.Finish(task.sequence, task.kv_head, 0, task.row_end, sums(scratch), value_width_,
                 summaries.data(), score_rows.data());
    return;
  }
  char* const partial = partials + task.partial * partial_bytes_;
  std::copy_n(summaries.data(), task.row_end, reinterpret_cast<RowSummary*>(partial));
  std::copy_n(sums(scratch), task.row_end * value_width_,
              reinterpret_cast<float*>(partial + kSummaryBytes));
}

void AttentionFewQueries::Merge(const AttentionTask& first, const char* partials,
                                char* scratch) const {
  partials += first.partial * partial_bytes_;
  std::array<RowSummary, kMaxRows> wholes;
  for (int64_t r = 0; r < first.row_end; ++r) {
    float* const row_sums = sums(scratch) + r * value_width_;
    const auto summary_of = [&](int64_t chunk) -> const RowSummary& {
      return reinterpret_cast<const RowSummary*>(partials + chunk * partial_bytes_)[r];
    };
    RowSummary& whole = wholes[static_cast<size_t>(r)];
    whole.base = -std::numeric_limits<double>::infinity();
    for (int64_t chunk = 0; chunk < first.num_chunks; ++chunk) {
      whole.finite = whole.finite && summary_of(chunk).finite;
      whole.base = std::max(whole.base, summary_of(chunk).base);
    }
    std::fill_n(row_sums, value_width_, 0.0f);
    for (int64_t chunk = 0; chunk < first.num_chunks && whole.finite; ++chunk) {
      const RowSummary& part = summary_of(chunk);
      if (part.sum == 0) continue;
      const auto factor = static_cast<float>(std::exp2(part.base - whole.base));
      whole.sum += factor * part.sum;
      const float* const part_sums =
          reinterpret_cast<const float*>(partials + chunk * partial_bytes_ + kSummaryBytes) +
          r * value_width_;
      for (int64_t d = 0; d < value_width_; ++d) row_sums[d] += factor * part_sums[d];
    }
    whole.exact_sum = whole.sum;
  }
  const std::array<ScoreRow, kMaxRows> no_weights;
  rows_.Finish(first.sequence, first.kv_head, 0, first.row_end, sums(scratch), value_width_,
               wholes.data(), no_weights.data());
}

void AttentionFewQueries::RunChunk(const AttentionTask& task, const ScoreRow* score_rows,
                                   char* scratch) const {
  const HeadRows keys = rows_.Keys(task.sequence, task.kv_head);
  const HeadRows values = rows_.Values(task.sequence, task.kv_head);
  const int64_t num_rows = task.row_end;
  int64_t begin = std::numeric_limits<int64_t>::max(), end = 0;
  for (int64_t r = 0; r < num_rows; ++r) {
    if (score_rows[r].visible_begin == score_rows[r].visible_end) continue;
    begin = std::min(begin, score_rows[r].visible_begin);
    end = std::max(end, score_rows[r].visible_end);
  }
  if (task.num_chunks > 1) {
    begin = std::max(begin, task.chunk * AttentionPlan::kChunkKeys);
    end = std::min(end, (task.chunk + 1) * AttentionPlan::kChunkKeys);
  }
  const float* const queries = reinterpret_cast<const float*>(scratch + layout_.queries);
  float* const scores = reinterpret_cast<float*>(scratch + layout_.scores);
  BeginSoftmax(num_rows, state(scratch));
  std::fill_n(sums(scratch), num_rows * value_width_, 0.0f);
  // Blocks are where they are whatever the first visible key is.
  for (int64_t first = begin / kBlockKeys * kBlockKeys; first < end; first += kBlockKeys) {
    const int64_t count = std::min(kBlockKeys, end - first);
    MultiplyKeys(queries, query_width_, num_rows, keys, first, count, scores, kBlockKeys);
    const ScoreTile tile = {.scores = scores,
                            .stride = kBlockKeys,
                            .columns = RoundUp(count, 32),
                            .first_key = first,
                            .keys = &keys};
    if (AddTile(rules_, score_rows, num_rows, tile, state(scratch))) {
      RescaleRows(state(scratch)->rescale, num_rows, value_width_, sums(scratch));
      rows_.RescaleWeights(score_rows, num_rows, first, *state(scratch));
    }
    AddValues(scores, kBlockKeys, num_rows, values, first, count, sums(scratch), value_width_);
  }
}

}  // namespace attentiond
