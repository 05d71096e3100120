// core/models/disentangled_config.h -- the options of DeBERTa's attention.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "core/tensor/activation_kind.h"

namespace attentiond {

/// Symbols: a key at distance i - j from its query i takes the row `span` + bucket of the table of
/// relative positions, which has 2 span rows.
struct DisentangledConfig {
  bool relative = false;             ///< false: plain attention, but for the scale
  bool content_to_position = false;  ///< queries times the table's keys; "c2p"
  bool position_to_content = false;  ///< keys times the table's queries; "p2c"
  bool share_keys = false;           ///< the table goes through the layer's own projections
  bool norm_table = false;           ///< the table is normalised first
  int64_t max_distance = 0;
  int64_t buckets = 0;      ///< distances beyond half of it share buckets; 0: none do
  int64_t conv_kernel = 0;  ///< a convolution beside the first layer; 0: there is none
  Activation conv_activation = Activation::kTanh;

  int64_t span() const { return buckets > 0 ? buckets : max_distance; }
  /// What the scores are divided by is the square root of this times the head's size.
  int64_t scale_factor() const { return 1 + content_to_position + position_to_content; }
};

/// kInvalidArgument and kUnimplemented name the key, what was found and what is required.
absl::StatusOr<DisentangledConfig> ParseDisentangledConfig(const nlohmann::json& config,
                                                           int64_t max_positions);

}  // namespace attentiond
