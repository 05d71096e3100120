// core/models/multi_head_attention_config.h -- the config.json of a torch.nn.MultiheadAttention
// layer: the arguments of its constructor.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"

namespace attentiond {

struct MultiHeadAttentionConfig {
  int64_t embed_dim = 0;  ///< of queries and outputs; a multiple of num_heads
  int64_t num_heads = 0;
  int64_t key_dim = 0;    ///< kdim: of keys
  int64_t value_dim = 0;  ///< vdim: of values
  bool bias = true;

  int64_t head_dim() const { return embed_dim / num_heads; }
};

/// Parses {"embed_dim", "num_heads", "kdim", "vdim", "bias"}; the last three as PyTorch defaults
/// them. Every message begins with "config.json: ".
///   kInvalidArgument  a key is missing, of the wrong type or out of range
///   kUnimplemented    add_bias_kv or add_zero_attn: they add keys that no caller sent
absl::StatusOr<MultiHeadAttentionConfig> ParseMultiHeadAttentionConfig(
    const nlohmann::json& config);

}  // namespace attentiond
