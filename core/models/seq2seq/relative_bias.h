// core/models/seq2seq/relative_bias.h -- T5's bias by distance, which all layers of a stack share.
#pragma once

#include <cstdint>
#include <vector>

#include "core/models/relative_bucket.h"
#include "core/ops/execution_context.h"
#include "core/tensor/attention_args.h"
#include "core/tensor/tensor.h"

namespace attentiond {

/// score += table[bucket(j - i), head]. Source: Raffel et al. 2019, arXiv:1910.10683, section 2.1.
/// Immutable; may be shared by contexts.
class RelativeBias {
 public:
  /// `table` [buckets.count, heads], f32, f16 or bf16; copied. Of tokens at most `max_tokens`
  /// apart.
  RelativeBias(const RelativeBuckets& buckets, const TensorView& table, int64_t max_tokens);

  /// Of rows of adjacent tokens, queries and keys from the first on.
  AttentionBroadcast<float> OfRows() const;
  /// Of a query at `position` and the keys before it, [heads, position + 1] at stride().
  const float* OfQuery(int64_t position) const {
    return values_.data() + max_tokens_ - 1 - position;
  }
  int64_t stride() const { return distances_; }

 private:
  const int64_t max_tokens_, distances_;
  std::vector<float> values_;  // [heads, distances] from -(max_tokens - 1) on
};

}  // namespace attentiond
