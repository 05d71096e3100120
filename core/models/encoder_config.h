// core/models/encoder_config.h -- one configuration for every family of BERT-like encoders.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/models/encoder_family.h"
#include "core/models/label_config.h"
#include "core/ops/activation.h"

namespace attentiond {

/// What a checkpoint's config.json says, checked. Every size is positive and bounded, so that
/// products of two of them fit in 63 bits.
struct EncoderConfig {
  const EncoderFamily* family = nullptr;

  int64_t hidden_size = 0;  ///< a multiple of num_heads
  int64_t num_layers = 0;
  int64_t num_heads = 0;
  int64_t intermediate_size = 0;
  int64_t vocab_size = 0;
  int64_t max_positions = 0;    ///< rows of the position table
  int64_t type_vocab_size = 0;  ///< 0: no token types
  Activation activation = Activation::kGeluErf;
  float layer_norm_eps = 1e-12f;

  bool classifies = false;  ///< has a classification head; then `labels` says of what
  LabelConfig labels;

  int64_t head_dim() const { return hidden_size / num_heads; }
};

/// Parses config.json for `family`. Every message begins with "config.json: ".
///   kInvalidArgument  a key is missing, of the wrong type or out of range: names the key, what was
///                     found and what is required
///   kUnimplemented    a decoder, relative positions, quantised weights, a head or an activation
///                     that is not supported: names the key and the value
absl::StatusOr<EncoderConfig> ParseEncoderConfig(const EncoderFamily& family,
                                                 const nlohmann::json& config);

}  // namespace attentiond
