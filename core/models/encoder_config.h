// core/models/encoder_config.h -- one configuration for every family of encoders.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/models/disentangled_config.h"
#include "core/models/encoder_family.h"
#include "core/models/label_config.h"
#include "core/models/rotary_config.h"
#include "core/ops/activation.h"

namespace attentiond {

/// What a checkpoint is for, by the first of its `architectures`.
enum class EncoderTask : uint8_t { kEmbedding, kSequenceClassification, kTokenClassification };

/// How the hidden states of a text become the one that its classification head reads.
enum class HeadPooling : uint8_t { kFirstToken, kMean };

/// Which row of the position table a token takes, from its place in the row.
struct PositionRule {
  int32_t first = 0;  ///< of place 0
  /// Tokens of this id take the row `first - 1` and, when places are not given, have none.
  std::optional<int32_t> padding_id;
};

/// What a checkpoint's config.json says, checked. Every size is positive and bounded, so that
/// products of two of them fit in 63 bits.
struct EncoderConfig {
  const EncoderFamily* family = nullptr;

  int64_t hidden_size = 0;     ///< a multiple of num_heads
  int64_t embedding_size = 0;  ///< width of the embedding tables
  int64_t num_layers = 0;      ///< that run
  int64_t num_heads = 0;
  int64_t intermediate_size = 0;
  int64_t vocab_size = 0;
  int64_t max_positions = 0;    ///< rows of the position table, used or not
  int64_t type_vocab_size = 0;  ///< 0: no token types
  Activation activation = Activation::kGeluErf;
  float layer_norm_eps = 1e-12f;

  bool has_position_table = true;
  PositionRule positions;
  int64_t num_groups = 0;  ///< ALBERT: groups of layers that are stored; 0: each that runs is
  int64_t group_size = 1;  ///< layers of a group
  bool query_key_value_bias = true, attention_output_bias = true;
  bool feed_forward_bias = true, norm_bias = true;
  int64_t bias_buckets = 0;                        ///< MPNet: rows of the table of biases
  std::optional<DisentangledConfig> disentangled;  ///< DeBERTa
  std::optional<RotaryConfig> rotary;              ///< ModernBERT

  EncoderTask task = EncoderTask::kEmbedding;
  LabelConfig labels;  ///< of classifiers
  Activation head_activation = Activation::kTanh;
  HeadPooling head_pooling = HeadPooling::kFirstToken;
  bool head_dense_bias = true;

  int64_t head_dim() const { return hidden_size / num_heads; }
  bool projects_embeddings() const;
  /// Most tokens of a row.
  int64_t max_tokens() const { return max_positions - positions.first; }
};

/// Parses config.json for `family`. Every message begins with "config.json: ".
///   kInvalidArgument  a key is missing, of the wrong type or out of range: names the key, what was
///                     found and what is required
///   kUnimplemented    a decoder, relative positions, quantised weights, a head or an activation
///                     that is not supported: names the key and the value
absl::StatusOr<EncoderConfig> ParseEncoderConfig(const EncoderFamily& family,
                                                 const nlohmann::json& config);

}  // namespace attentiond
