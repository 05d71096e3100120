// core/models/encoder_weights.cc -- finds an encoder's tensors by its family's names.
#include "core/models/encoder_weights.h"

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace attentiond {
namespace {

absl::StatusOr<EncoderLayerWeights> LoadLayer(const EncoderConfig& config,
                                              const std::string& prefix, LinearTypes types,
                                              WeightLoader* loader) {
  const EncoderWeightNames& names = config.family->names;
  const int64_t hidden = config.hidden_size;
  ASSIGN_OR_RETURN(
      Linear query_key_value,
      loader->LoadFusedLinear({prefix + names.query, prefix + names.key, prefix + names.value},
                              hidden, hidden, types));
  ASSIGN_OR_RETURN(Linear attention_output,
                   loader->LoadLinear(prefix + names.attention_output, hidden, hidden, types));
  ASSIGN_OR_RETURN(NormWeights attention_norm,
                   loader->LoadNorm(prefix + names.attention_norm, hidden));
  ASSIGN_OR_RETURN(
      Linear intermediate,
      loader->LoadLinear(prefix + names.intermediate, config.intermediate_size, hidden, types));
  ASSIGN_OR_RETURN(Linear output, loader->LoadLinear(prefix + names.output, hidden,
                                                     config.intermediate_size, types));
  ASSIGN_OR_RETURN(NormWeights output_norm, loader->LoadNorm(prefix + names.output_norm, hidden));
  return EncoderLayerWeights{std::move(query_key_value), std::move(attention_output),
                             std::move(attention_norm),  std::move(intermediate),
                             std::move(output),          std::move(output_norm)};
}

}  // namespace

absl::StatusOr<EncoderWeights> LoadEncoderWeights(const EncoderConfig& config, LinearTypes types,
                                                  WeightLoader* loader) {
  const EncoderWeightNames& names = config.family->names;
  const bool bare = loader->checkpoint().Has(absl::StrCat(names.word_embeddings, ".weight"));
  const std::string prefix = bare ? "" : config.family->prefix;

  EncoderWeights weights;
  ASSIGN_OR_RETURN(
      weights.word_embeddings,
      loader->LoadTable(prefix + names.word_embeddings, config.vocab_size, config.hidden_size));
  ASSIGN_OR_RETURN(weights.position_embeddings,
                   loader->LoadTable(prefix + names.position_embeddings, config.max_positions,
                                     config.hidden_size));
  if (names.type_embeddings != nullptr) {
    ASSIGN_OR_RETURN(weights.type_embeddings,
                     loader->LoadTable(prefix + names.type_embeddings, config.type_vocab_size,
                                       config.hidden_size));
  }
  ASSIGN_OR_RETURN(weights.embeddings_norm,
                   loader->LoadNorm(prefix + names.embeddings_norm, config.hidden_size));
  for (int64_t index = 0; index < config.num_layers; ++index) {
    ASSIGN_OR_RETURN(
        EncoderLayerWeights layer,
        LoadLayer(config, absl::StrCat(prefix, names.layers, ".", index, "."), types, loader));
    weights.layers.push_back(std::move(layer));
  }
  return weights;
}

}  // namespace attentiond
