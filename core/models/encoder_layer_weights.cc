// core/models/encoder_layer_weights.cc -- finds the layers' tensors by their family's names.
#include "core/models/encoder_layer_weights.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace attentiond {
namespace {

absl::StatusOr<Linear> LoadQueryKeyValue(const EncoderConfig& config, const std::string& prefix,
                                         LinearTypes types, WeightLoader* loader) {
  const EncoderWeightNames& names = config.family->names;
  const int64_t hidden = config.hidden_size;
  if (names.query_key_value != nullptr) {
    return loader->LoadLinear(prefix + names.query_key_value, 3 * hidden, hidden, types,
                              config.query_key_value_bias);
  }
  return loader->LoadFusedLinear({prefix + names.query, prefix + names.key, prefix + names.value},
                                 hidden, hidden, types, config.query_key_value_bias);
}

/// The intermediate layer, and its gate where the family has one.
absl::StatusOr<std::pair<Linear, std::optional<Linear>>> LoadIntermediate(
    const EncoderConfig& config, const std::string& name, LinearTypes types, WeightLoader* loader) {
  const int64_t hidden = config.hidden_size, inner = config.intermediate_size;
  if (config.family->block != EncoderBlock::kPreNormGated) {
    ASSIGN_OR_RETURN(Linear intermediate, loader->LoadLinear(name, inner, hidden, types));
    return std::pair(std::move(intermediate), std::optional<Linear>());
  }
  ASSIGN_OR_RETURN(auto halves,
                   loader->LoadLinearHalves(name, inner, hidden, types, config.feed_forward_bias));
  return std::pair(std::move(halves.first), std::optional<Linear>(std::move(halves.second)));
}

absl::StatusOr<EncoderLayerWeights> LoadLayer(const EncoderConfig& config, bool has_attention_norm,
                                              const std::string& prefix, LinearTypes types,
                                              WeightLoader* loader) {
  const EncoderWeightNames& names = config.family->names;
  const int64_t hidden = config.hidden_size;
  ASSIGN_OR_RETURN(Linear query_key_value, LoadQueryKeyValue(config, prefix, types, loader));
  ASSIGN_OR_RETURN(Linear attention_output,
                   loader->LoadLinear(prefix + names.attention_output, hidden, hidden, types,
                                      config.attention_output_bias));
  std::optional<NormWeights> attention_norm;
  if (has_attention_norm) {
    ASSIGN_OR_RETURN(attention_norm,
                     loader->LoadNorm(prefix + names.attention_norm, hidden, config.norm_bias));
  }
  ASSIGN_OR_RETURN(auto intermediate,
                   LoadIntermediate(config, prefix + names.intermediate, types, loader));
  ASSIGN_OR_RETURN(Linear output,
                   loader->LoadLinear(prefix + names.output, hidden, config.intermediate_size,
                                      types, config.feed_forward_bias));
  ASSIGN_OR_RETURN(NormWeights output_norm,
                   loader->LoadNorm(prefix + names.output_norm, hidden, config.norm_bias));
  return EncoderLayerWeights{std::move(query_key_value),     std::move(attention_output),
                             std::move(attention_norm),      std::move(intermediate.first),
                             std::move(intermediate.second), std::move(output),
                             std::move(output_norm)};
}

}  // namespace

size_t StoredLayer(const EncoderConfig& config, int64_t index) {
  if (config.num_groups == 0) return static_cast<size_t>(index);
  // Divided as transformers divides, whose result is a little less than the exact one at times.
  const int64_t rounds = config.num_layers / config.group_size;
  const double each = static_cast<double>(rounds) / static_cast<double>(config.num_groups);
  const auto group = static_cast<int64_t>(static_cast<double>(index / config.group_size) / each);
  return static_cast<size_t>(group * config.group_size + index % config.group_size);
}

absl::StatusOr<std::vector<EncoderLayerWeights>> LoadEncoderLayers(const EncoderConfig& config,
                                                                   const std::string& prefix,
                                                                   LinearTypes types,
                                                                   WeightLoader* loader) {
  const EncoderWeightNames& names = config.family->names;
  std::vector<EncoderLayerWeights> layers;
  const int64_t stored =
      config.num_groups > 0 ? config.num_groups * config.group_size : config.num_layers;
  // Before ModernBERT's first layer the embeddings' norm is attention's.
  const bool first_has_no_norm = config.family->block == EncoderBlock::kPreNormGated;
  for (int64_t index = 0; index < stored; ++index) {
    const std::string name =
        names.group_layers == nullptr
            ? absl::StrCat(prefix, names.layers, ".", index, ".")
            : absl::StrCat(prefix, names.layers, ".", index / config.group_size, ".",
                           names.group_layers, ".", index % config.group_size, ".");
    ASSIGN_OR_RETURN(EncoderLayerWeights layer,
                     LoadLayer(config, !(first_has_no_norm && index == 0), name, types, loader));
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace attentiond
