#include "core/ops/attention_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

ScoreRow AttentionRows::Describe(int64_t b, int64_t kv_head, int64_t r) const {
  const int64_t h = head(kv_head, r), i = token(r);
  const int64_t queries = args_->query_lengths.length(b), keys = args_->kv_lengths.length(b);
  const int64_t position = i + keys - queries;  // the key that is level with the query
  ScoreRow row;
  row.visible_end = num_keys(b);
  if (args_->causal) row.visible_end = std::clamp<int64_t>(position + 1, 0, row.visible_end);
  // A window beyond queries + keys hides nothing, and must not overflow.
  if (args_->window.has_value()) {
    row.visible_begin =
        std::max<int64_t>(0, position - std::min(*args_->window, queries + keys) + 1);
  }
  if (row.visible_begin >= row.visible_end) row.visible_begin = row.visible_end = 0;
  row.bias = KeyZero(args_->bias, b, h, i);
  row.mask = KeyZero(args_->mask, b, h, i);
  row.query = Queries(b, h).row(i);
  if (outputs_->weights != nullptr) row.weights = WeightsRow(*args_, *outputs_, b, h, i);
  return row;
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

void AttentionRows::Finish(int64_t b, int64_t kv_head, int64_t r, const float* sums,
                           const RowSummary& summary, const ScoreRow& row) const {
  const int64_t h = head(kv_head, r), i = token(r);
  void* const y = static_cast<char*>(outputs_->output.data) +
                  TokenOffset(outputs_->output, args_->query_lengths, b, h, i) *
                      static_cast<int64_t>(ByteSize(args_->dtype));
  const bool stored =
      StoreFiniteRow(sums, summary.inverse_sum(), args_->value_dim, args_->dtype, y);
  if (!stored || !summary.finite) {
    reference::AttentionRows(*args_, *outputs_, b, h, i, i + 1);
    return;
  }
  if (outputs_->lse != nullptr) *LsePlace(*args_, *outputs_, b, h, i) = summary.lse();
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
