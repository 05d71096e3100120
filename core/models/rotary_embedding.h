// core/models/rotary_embedding.h -- rotary position embeddings of a batch's tokens.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "core/models/rotary_config.h"
#include "core/ops/execution_context.h"
#include "core/tensor/dtype.h"

namespace attentiond {

/// Rotates queries and keys by angles that grow with the token's position, so that their product
/// depends on the distance alone. Immutable; may be shared by contexts.
/// Source: Su et al. 2021, arXiv:2104.09864; channels c and c + head size / 2 are a pair.
class RotaryEmbedding {
 public:
  RotaryEmbedding(const RotaryConfig& config, int64_t num_heads, int64_t head_dim, DType dtype);

  /// Writes the sines and cosines of the tokens at `positions` into the context's memory, where
  /// they stay until the next call.
  void Prepare(absl::Span<const int32_t> positions, ExecutionContext& context) const;

  /// Rotates the queries and keys in `query_key_value` [T, 3H], RowStride() apart, of the T
  /// tokens prepared last.
  void Apply(int64_t layer, int64_t tokens, void* query_key_value, ExecutionContext& context) const;

 private:
  int64_t num_heads_, head_dim_;
  DType dtype_;
  std::vector<std::vector<float>> frequencies_;  // of each base that layers use, [head_dim / 2]
  std::vector<size_t> of_layer_;                 // which of them
};

}  // namespace attentiond
