#include "core/ops/attention_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/ops/prefetch.h"
#include "core/reference/attention.h"

namespace attentiond {
namespace {

HeadRows HeadOf(const AttentionOperand& operand, const SequenceLengths& lengths, DType dtype,
                int64_t b, int64_t head, int64_t channels) {
  return {static_cast<const char*>(operand.data) +
              TokenOffset(operand, lengths, b, head, 0) * static_cast<int64_t>(ByteSize(dtype)),
          operand.token_stride, channels, dtype};
}

template <typename T>
const T* KeyZero(const AttentionBroadcast<T>& values, int64_t b, int64_t head, int64_t token) {
  return values.data == nullptr ? nullptr
                                : values.data + b * values.batch_stride +
                                      head * values.head_stride + token * values.query_stride;
}

}  // namespace

// visit(row, where its output is)
template <typename Visit>
void AttentionRows::ForEachOutputRow(int64_t b, int64_t kv_head, int64_t first, int64_t count,
                                     Visit visit) const {
  const MutableAttentionOperand& output = outputs_->output;
  const auto element = static_cast<int64_t>(ByteSize(args_->dtype));
  for (int64_t r = 0; r < std::min(count, group_); ++r) {
    const int64_t head = kv_head * group_ + (first + r) % group_, token = (first + r) / group_;
    char* y = static_cast<char*>(output.data) +
              TokenOffset(output, args_->query_lengths, b, head, token) * element;
    for (int64_t i = r; i < count; i += group_, y += output.token_stride * element) visit(i, y);
  }
}

HeadRows AttentionRows::Keys(int64_t b, int64_t kv_head) const {
  return HeadOf(args_->key, args_->kv_lengths, args_->dtype, b, kv_head, args_->head_dim);
}

HeadRows AttentionRows::Values(int64_t b, int64_t kv_head) const {
  return HeadOf(args_->value, args_->kv_lengths, args_->dtype, b, kv_head, args_->value_dim);
}

HeadRows AttentionRows::Queries(int64_t b, int64_t head) const {
  return HeadOf(args_->query, args_->query_lengths, args_->dtype, b, head, args_->head_dim);
}

ScoreRules AttentionRows::Rules(DType dtype) const {
  ScoreRules rules;
  rules.scale = args_->scale.value_or(1 / std::sqrt(static_cast<double>(args_->head_dim)));
  if (args_->softcap.has_value()) {
    rules.softcap = std::max<double>(*args_->softcap, std::numeric_limits<float>::min());
  }
  rules.bias_stride = args_->bias.key_stride;
  rules.mask_stride = args_->mask.key_stride;
  rules.dtype = dtype;
  rules.exact = dtype == DType::kF32 || exact();
  rules.precise = args_->dtype != DType::kBF16;
  return rules;
}

void AttentionRows::Describe(int64_t b, int64_t kv_head, int64_t first, int64_t count,
                             ScoreRow* score_rows) const {
  const int64_t queries = args_->query_lengths.length(b), keys = args_->kv_lengths.length(b);
  const int64_t visible_keys = num_keys(b);
  if (RowsAreAlike()) {
    ScoreRow row;
    row.visible_end = visible_keys;
    std::fill_n(score_rows, count, row);
    return;
  }
  int64_t i = first / group_, member = first % group_;
  for (int64_t r = 0; r < count; ++r) {
    const int64_t h = kv_head * group_ + member;
    const int64_t position = i + keys - queries;  // the key that is level with the query
    ScoreRow& row = score_rows[r];
    row = ScoreRow();
    row.visible_end = visible_keys;
    if (args_->causal) row.visible_end = std::clamp<int64_t>(position + 1, 0, visible_keys);
    // A window beyond queries + keys hides nothing, and must not overflow.
    if (args_->window.has_value()) {
      row.visible_begin =
          std::max<int64_t>(0, position - std::min(*args_->window, queries + keys) + 1);
    }
    if (row.visible_begin >= row.visible_end) row.visible_begin = row.visible_end = 0;
    row.bias = KeyZero(args_->bias, b, h, i);
    row.mask = KeyZero(args_->mask, b, h, i);
    if (args_->dtype != DType::kBF16) row.query = Queries(b, h).row(i);  // to be precise
    if (outputs_->weights != nullptr) row.weights = WeightsRow(*args_, *outputs_, b, h, i);
    if (++member == group_) member = 0, ++i;
  }
}

void AttentionRows::CopyQueries(int64_t b, int64_t kv_head, int64_t first, int64_t count,
                                DType dtype, int64_t width, void* queries) const {
  const int64_t row_bytes = width * static_cast<int64_t>(ByteSize(dtype));
  for (int64_t r = 0; r < std::min(count, group_); ++r) {
    const HeadRows head = Queries(b, kv_head * group_ + (first + r) % group_);
    CopyTokens(head, (first + r) / group_, (count - r + group_ - 1) / group_, dtype, width,
               group_ * width, static_cast<char*>(queries) + r * row_bytes);
  }
}

void AttentionRows::RescaleWeights(const ScoreRow* score_rows, int64_t num_rows, int64_t first_key,
                                   const SoftmaxState& state) const {
  if (outputs_->weights == nullptr) return;
  for (int64_t r = 0; r < num_rows; ++r) {
    const ScoreRow& row = score_rows[r];
    if (state.rescale[r] == 1 || row.visible_begin >= first_key) continue;
    ScaleValues(state.rescale[r], first_key - row.visible_begin, row.weights + row.visible_begin);
  }
}

void AttentionRows::Finish(int64_t b, int64_t kv_head, int64_t first, int64_t count,
                           const float* sums, int64_t width, const RowSummary* summaries,
                           const ScoreRow* score_rows) const {
  const auto element = static_cast<int64_t>(ByteSize(args_->dtype));
  for (int64_t r = 0; r < std::min(count, group_); ++r) {
    const int64_t head = kv_head * group_ + (first + r) % group_, token = (first + r) / group_;
    const int64_t y = TokenOffset(outputs_->output, args_->query_lengths, b, head, token);
    const FinishedRows rows = {.sums = sums + r * width,
                               .summaries = summaries + r,
                               .width = width,
                               .step = group_,
                               .count = (count - r + group_ - 1) / group_,
                               .size = args_->value_dim,
                               .y = static_cast<char*>(outputs_->output.data) + y * element,
                               .y_stride = outputs_->output.token_stride,
                               .dtype = args_->dtype};
    const uint32_t wrong = StoreRows(rows);
    if (wrong == 0 && !exact()) continue;
    for (int64_t i = 0; i < rows.count; ++i) {
      if ((wrong >> i & 1) != 0) {
        reference::AttentionRows(*args_, *outputs_, b, head, token + i, token + i + 1);
      } else {
        FinishRow(b, head, token + i, summaries[r + i * group_], score_rows[r + i * group_]);
      }
    }
  }
}

void AttentionRows::FetchOutputs(int64_t b, int64_t kv_head, int64_t first, int64_t count) const {
  ForEachOutputRow(b, kv_head, first, count, [this](int64_t, char* y) {
    PrefetchForWriting(y, args_->value_dim * static_cast<int64_t>(ByteSize(args_->dtype)));
  });
}

void AttentionRows::FinishRounded(int64_t b, int64_t kv_head, int64_t first, int64_t count,
                                  const void* rows, int64_t width, uint32_t wrong) const {
  constexpr int64_t kElement = 2;
  ForEachOutputRow(b, kv_head, first, count, [&](int64_t r, char* y) {
    std::memcpy(y, static_cast<const char*>(rows) + r * width * kElement,
                static_cast<size_t>(args_->value_dim * kElement));
  });
  for (int64_t r = 0; r < count; ++r) {
    if ((wrong >> r & 1) == 0) continue;
    const int64_t head = kv_head * group_ + (first + r) % group_, token = (first + r) / group_;
    reference::AttentionRows(*args_, *outputs_, b, head, token, token + 1);
  }
}

void AttentionRows::FinishRow(int64_t b, int64_t head, int64_t token, const RowSummary& summary,
                              const ScoreRow& row) const {
  if (outputs_->lse != nullptr) *LsePlace(*args_, *outputs_, b, head, token) = summary.lse();
  if (outputs_->weights == nullptr) return;
  float* const end = row.weights + args_->kv_lengths.length(b);
  if (summary.sum == 0) {
    std::fill(row.weights, end, 0.0f);
    return;
  }
  std::fill(row.weights, row.weights + row.visible_begin, 0.0f);
  ScaleValues(1 / summary.exact_sum, row.visible_end - row.visible_begin,
              row.weights + row.visible_begin);
  std::fill(row.weights + row.visible_end, end, 0.0f);
}

}  // namespace attentiond
