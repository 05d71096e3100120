// core/models/encoder_weights.h -- the weights of a BERT-like encoder, packed.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "core/models/encoder_config.h"
#include "core/models/weight_loader.h"

namespace attentiond {

/// Symbols: H hidden_size, I intermediate_size.
struct EncoderLayerWeights {
  Linear query_key_value;   ///< H -> 3H: queries, keys, values
  Linear attention_output;  ///< H -> H
  NormWeights attention_norm;
  Linear intermediate;  ///< H -> I
  Linear output;        ///< I -> H
  NormWeights output_norm;
};

struct EncoderWeights {
  Tensor word_embeddings;      ///< [vocab_size, H], in the type it is stored in
  Tensor position_embeddings;  ///< [max_positions, H]
  Tensor type_embeddings;      ///< [type_vocab_size, H]; empty without token types
  NormWeights embeddings_norm;
  std::vector<EncoderLayerWeights> layers;
};

/// Loads the encoder, whose names have the family's prefix or none. Linear layers are packed for
/// `types`.
absl::StatusOr<EncoderWeights> LoadEncoderWeights(const EncoderConfig& config, LinearTypes types,
                                                  WeightLoader* loader);

}  // namespace attentiond
