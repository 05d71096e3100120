// core/models/position_scores.h -- what a family adds to the scores of attention for where tokens
// are, besides what the embeddings say.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/ops/execution_context.h"
#include "core/tensor/attention_args.h"

namespace attentiond {

/// The rows of one call of Attention().
struct AttendedRows {
  int64_t layer = 0;    ///< index of the layer that runs
  int64_t longest = 0;  ///< tokens of the longest row
  int64_t queries = 0;  ///< of the only row, from its first token; when rows share the call: any
  /// Of the only row: where its tokens are, [longest]; empty: 0, 1, 2...
  absl::Span<const int32_t> places = {};
  /// Queries, keys and values of the rows' tokens, [tokens, 3H], in the type of the activations.
  const void* query_key_value = nullptr;
};

/// Immutable; may be shared by contexts.
class PositionScores {
 public:
  virtual ~PositionScores() = default;

  /// Whether rows of adjacent tokens can share a call; else each has a call of its own.
  virtual bool RowsShareCalls() const = 0;

  /// Adds the bias to `args`, whose operands and lengths are set. It lives in the context's memory,
  /// until the next call.
  virtual absl::Status AddTo(const AttendedRows& rows, AttentionArgs* args,
                             ExecutionContext& context) const = 0;
};

/// The distances j - i of a row: bias values for all of them make the [S, S] bias by strides alone
/// when tokens are adjacent.
struct BiasByDistance {
  /// `values` are those of the distances 1 - longest to longest - 1 of each head, [heads or 1,
  /// 2 longest - 1].
  static AttentionBroadcast<float> Of(const float* values, int64_t longest, bool by_head) {
    return {.data = values + longest - 1,
            .batch_stride = 0,
            .head_stride = by_head ? 2 * longest - 1 : 0,
            .query_stride = -1,
            .key_stride = 1};
  }
};

}  // namespace attentiond
