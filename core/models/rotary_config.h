// core/models/rotary_config.h -- how the layers of ModernBERT attend: rotation and windows.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/status/statusor.h"

namespace attentiond {

struct RotaryLayer {
  double theta = 0;    ///< base of the rotation's frequencies
  int64_t window = 0;  ///< a token sees those at most so far from it; 0: all
};

struct RotaryConfig {
  std::vector<RotaryLayer> layers;  ///< by index
};

/// Reads layer_types or global_attn_every_n_layers, local_attention, and rope_parameters or
/// global_rope_theta and local_rope_theta. kInvalidArgument and kUnimplemented (a scaled rotation)
/// name the key, what was found and what is required.
absl::StatusOr<RotaryConfig> ParseRotaryConfig(const nlohmann::json& config, int64_t num_layers);

}  // namespace attentiond
