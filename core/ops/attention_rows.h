// core/ops/attention_rows.h -- where the rows of an attention call are and what each of them sees.
// Private to core/ops.
//
// The query heads that share a key/value head are folded into its rows: row = token * group + head
// in group. Keys and values are then read, or packed, once for all of them.
#pragma once

#include <cstdint>

#include "core/ops/attention_packing.h"
#include "core/ops/attention_softmax.h"
#include "core/tensor/attention_args.h"

namespace attentiond {

/// One call's arguments, which outlive it, by rows. Copyable.
class AttentionRows {
 public:
  AttentionRows(const AttentionArgs& args, const AttentionOutputs& outputs)
      : args_(&args), outputs_(&outputs), group_(args.num_heads / args.num_kv_heads) {}

  const AttentionArgs& args() const { return *args_; }
  const AttentionOutputs& outputs() const { return *outputs_; }
  int64_t group() const { return group_; }
  /// Rows of each key/value head of sequence b.
  int64_t num_rows(int64_t b) const { return args_->query_lengths.length(b) * group_; }
  /// Keys that some query of the sequence may see; the others are not even read.
  int64_t num_keys(int64_t b) const {
    return args_->valid_kv.empty() ? args_->kv_lengths.length(b)
                                   : args_->valid_kv[static_cast<size_t>(b)];
  }
  /// Whether exponentials must be as good as f32 allows: they, or their sum, are asked for.
  bool exact() const { return outputs_->weights != nullptr || outputs_->lse != nullptr; }

  HeadRows Queries(int64_t b, int64_t head) const;
  HeadRows Keys(int64_t b, int64_t kv_head) const;
  HeadRows Values(int64_t b, int64_t kv_head) const;

  /// For exponentials of type `dtype`.
  ScoreRules Rules(DType dtype) const;
  /// The rows [first, first + count) of a head.
  void Describe(int64_t b, int64_t kv_head, int64_t first, int64_t count,
                ScoreRow* score_rows) const;
  /// Copies the same rows' queries as `dtype`, [count, width], zeros past the head's channels.
  void CopyQueries(int64_t b, int64_t kv_head, int64_t first, int64_t count, DType dtype,
                   int64_t width, void* queries) const;
  /// After AddTile() of keys from `first_key` changed the base of rows: changes the weights before
  /// those keys. Nothing without weights.
  void RescaleWeights(const ScoreRow* score_rows, int64_t num_rows, int64_t first_key,
                      const SoftmaxState& state) const;
  /// Writes the same rows' outputs, and lse and weights if wanted, from their sums [count, width].
  /// A row that left f32's range is done again by the reference.
  void Finish(int64_t b, int64_t kv_head, int64_t first, int64_t count, const float* sums,
              int64_t width, const RowSummary* summaries, const ScoreRow* score_rows) const;

  /// Asks for the memory of the same rows' outputs, to be written.
  void FetchOutputs(int64_t b, int64_t kv_head, int64_t first, int64_t count) const;
  /// Writes the same rows' outputs, and nothing else, from bf16 [count, width]. Bit r of `wrong`:
  /// row r is done again by the reference.
  void FinishRounded(int64_t b, int64_t kv_head, int64_t first, int64_t count, const void* rows,
                     int64_t width, uint32_t wrong) const;

 private:
  // Whether nothing tells rows apart: each sees all keys, and more is not asked for.
  bool RowsAreAlike() const {
    return !args_->causal && !args_->window.has_value() && args_->bias.data == nullptr &&
           args_->mask.data == nullptr && args_->dtype == DType::kBF16 &&
           outputs_->weights == nullptr;
  }
  template <typename Visit>
  void ForEachOutputRow(int64_t b, int64_t kv_head, int64_t first, int64_t count,
                        Visit visit) const;
  void FinishRow(int64_t b, int64_t head, int64_t token, const RowSummary& summary,
                 const ScoreRow& row) const;

  const AttentionArgs* args_;
  const AttentionOutputs* outputs_;
  int64_t group_;
};

}  // namespace attentiond
