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
  int64_t queries = 0;  ///< of the only row; rows that share the call have theirs from the first
  int64_t first_query = 0;  ///< which of the only row's tokens the first query is
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

  /// Tokens farther apart than this do not see each other in the layer; 0: all do. Where it is not
  /// 0 AddTo() takes any `first_query`.
  virtual int64_t Window(int64_t /*layer*/) const { return 0; }

  /// Adds the bias to `args`, whose operands and lengths are set. It lives in the context's memory,
  /// until the next call.
  virtual absl::Status AddTo(const AttendedRows& rows, AttentionArgs* args,
                             ExecutionContext& context) const = 0;
};

/// A bias that depends on the distance j - i alone, made of its values by strides, when tokens are
/// adjacent: `values` [heads or 1, `count`] are those of distances one after the other, the one of
/// query 0 and key 0 at `origin`.
inline AttentionBroadcast<float> BiasByDistance(const float* values, int64_t origin, int64_t count,
                                                bool by_head) {
  return {.data = values + origin,
          .batch_stride = 0,
          .head_stride = by_head ? count : 0,
          .query_stride = -1,
          .key_stride = 1};
}

}  // namespace attentiond
