// core/models/encoder_layer_weights.h -- the weights of an encoder's layers, packed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/models/encoder_config.h"
#include "core/models/weight_loader.h"

namespace attentiond {

/// Symbols: H hidden_size, I intermediate_size.
struct EncoderLayerWeights {
  Linear query_key_value;                     ///< H -> 3H: queries, keys, values
  Linear attention_output;                    ///< H -> H
  std::optional<NormWeights> attention_norm;  ///< the first layer of ModernBERT has none
  Linear intermediate;                        ///< H -> I, activated
  std::optional<Linear> gate;                 ///< H -> I: what the above is multiplied with
  Linear output;                              ///< I -> H
  NormWeights output_norm;
};

/// Which of the stored layers runs as layer `index`.
size_t StoredLayer(const EncoderConfig& config, int64_t index);

/// The layers as stored: several may be run by one. `prefix` comes before the names of
/// `config.family`. Linear layers are packed for `types`.
absl::StatusOr<std::vector<EncoderLayerWeights>> LoadEncoderLayers(const EncoderConfig& config,
                                                                   const std::string& prefix,
                                                                   LinearTypes types,
                                                                   WeightLoader* loader);

}  // namespace attentiond
