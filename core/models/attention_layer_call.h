// core/models/attention_layer_call.h -- what one call of a multi-head attention layer takes.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace attentiond {

/// One call of a multi-head attention layer, f32, row-major. Borrowed until Run() returns.
struct AttentionLayerCall {
  int64_t batch = 0, query_length = 0, kv_length = 0;
  const float* query = nullptr;  ///< [batch, query_length, hidden_size]
  /// [batch, kv_length, key_size]; nullptr: query (then value must be nullptr too)
  const float* key = nullptr;
  const float* value = nullptr;          ///< [batch, kv_length, value_size]; nullptr: key's data
  absl::Span<const int64_t> kv_lengths;  ///< [batch] or empty: keys at or past it are masked
  bool causal = false;
  float* output = nullptr;   ///< [batch, query_length, hidden_size]
  float* weights = nullptr;  ///< [batch, heads, query_length, kv_length]; nullptr: not wanted
};

}  // namespace attentiond
