// core/models/encoder_weights.h -- the weights of an encoder, packed.
#pragma once

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/models/encoder_config.h"
#include "core/models/weight_loader.h"

namespace attentiond {

/// Symbols: H hidden_size, I intermediate_size, E embedding_size.
struct EncoderLayerWeights {
  Linear query_key_value;                     ///< H -> 3H: queries, keys, values
  Linear attention_output;                    ///< H -> H
  std::optional<NormWeights> attention_norm;  ///< the first layer of ModernBERT has none
  Linear intermediate;                        ///< H -> I, activated
  std::optional<Linear> gate;                 ///< H -> I: what the above is multiplied with
  Linear output;                              ///< I -> H
  NormWeights output_norm;
};

struct EncoderWeights {
  Tensor word_embeddings;      ///< [vocab_size, E], in the type it is stored in
  Tensor position_embeddings;  ///< [max_positions, E]; empty without a table
  Tensor type_embeddings;      ///< [type_vocab_size, E]; empty without token types
  NormWeights embeddings_norm;
  std::optional<Linear> embedding_projection;  ///< E -> H
  std::vector<EncoderLayerWeights> layers;     ///< as stored; several may be run by one
  std::optional<NormWeights> final_norm;
};

/// What the names of the encoder's weights begin with: the family's prefix, or nothing.
std::string EncoderPrefix(const EncoderFamily& family, const Checkpoint& checkpoint);

/// Which of EncoderWeights::layers runs as layer `index`.
size_t StoredLayer(const EncoderConfig& config, int64_t index);

/// Loads the encoder, whose names have the family's prefix or none. Linear layers are packed for
/// `types`.
absl::StatusOr<EncoderWeights> LoadEncoderWeights(const EncoderConfig& config, LinearTypes types,
                                                  WeightLoader* loader);

}  // namespace attentiond
