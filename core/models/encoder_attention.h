// core/models/encoder_attention.h -- self-attention of the rows of a batch.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "core/models/encoder_batch.h"
#include "core/models/position_scores.h"
#include "core/ops/execution_context.h"
#include "core/ops/row_stride.h"
#include "core/tensor/attention_args.h"

namespace attentiond {

/// Symbols: H = num_heads * head_dim channels. Immutable; may be shared by contexts.
class EncoderAttention {
 public:
  /// `scores` may be nullptr: scores are products of queries and keys alone. `dtype` is that of the
  /// activations.
  EncoderAttention(int64_t num_heads, int64_t head_dim, DType dtype,
                   std::unique_ptr<const PositionScores> scores)
      : num_heads_(num_heads), head_dim_(head_dim), dtype_(dtype), scores_(std::move(scores)) {}

  struct Call {
    int64_t layer = 0;
    /// Of the first so many rows only the first token attends; they want no probabilities.
    size_t first_token_rows = 0;
    const void* query_key_value = nullptr;  ///< [T, 3H] at projection_stride()
    /// [tokens that attend, H], RowStride() apart: one row after the other, none left out.
    void* attended = nullptr;
  };
  int64_t projection_stride() const { return RowStride(3 * hidden_size(), dtype_); }
  absl::Status Run(const EncoderBatch& batch, const Call& call, ExecutionContext& context) const;

 private:
  int64_t hidden_size() const { return num_heads_ * head_dim_; }
  int64_t output_stride() const { return RowStride(hidden_size(), dtype_); }
  void* OutputAt(const Call& call, int64_t token) const;
  AttentionArgs ArgsFor(const Call& call, int64_t first_token) const;
  absl::Status RunFirstTokens(const EncoderBatch& batch, const Call& call,
                              ExecutionContext& context) const;
  absl::Status RunInTurn(const EncoderBatch& batch, const Call& call, size_t begin, size_t end,
                         ExecutionContext& context) const;
  absl::Status RunTogether(const EncoderBatch& batch, const Call& call, size_t begin, size_t end,
                           ExecutionContext& context) const;
  absl::Status RunBlocks(const EncoderBatch& batch, const Call& call, size_t row,
                         ExecutionContext& context) const;
  bool GoesByBlocks(const Call& call, int64_t length) const;
  absl::Status RunAlone(const EncoderBatch& batch, const Call& call, size_t row,
                        ExecutionContext& context) const;
  absl::Status Attend(const AttendedRows& rows, AttentionArgs args, AttentionOutputs outputs,
                      ExecutionContext& context) const;

  int64_t num_heads_, head_dim_;
  DType dtype_;
  std::unique_ptr<const PositionScores> scores_;
};

}  // namespace attentiond
