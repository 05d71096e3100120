// core/models/encoder_weights.cc -- finds an encoder's tensors by its family's names.
#include "core/models/encoder_weights.h"

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
                              config.attention_bias);
  }
  return loader->LoadFusedLinear({prefix + names.query, prefix + names.key, prefix + names.value},
                                 hidden, hidden, types);
}

/// The intermediate layer, and its gate where the family has one.
absl::StatusOr<std::pair<Linear, std::optional<Linear>>> LoadIntermediate(
    const EncoderConfig& config, const std::string& name, LinearTypes types, WeightLoader* loader) {
  const int64_t hidden = config.hidden_size, inner = config.intermediate_size;
  if (config.family->block == EncoderBlock::kPostNorm) {
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
                                      config.attention_bias));
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

absl::Status LoadEmbeddings(const EncoderConfig& config, const std::string& prefix,
                            LinearTypes types, WeightLoader* loader, EncoderWeights* weights) {
  const EncoderWeightNames& names = config.family->names;
  const int64_t width = config.embedding_size;
  ASSIGN_OR_RETURN(weights->word_embeddings,
                   loader->LoadTable(prefix + names.word_embeddings, config.vocab_size, width));
  if (config.has_position_table) {
    ASSIGN_OR_RETURN(
        weights->position_embeddings,
        loader->LoadTable(prefix + names.position_embeddings, config.max_positions, width));
  }
  if (config.type_vocab_size > 0) {
    ASSIGN_OR_RETURN(weights->type_embeddings, loader->LoadTable(prefix + names.type_embeddings,
                                                                 config.type_vocab_size, width));
  }
  const bool before_norm = config.family->projection == EmbeddingProjection::kBeforeNorm;
  ASSIGN_OR_RETURN(weights->embeddings_norm,
                   loader->LoadNorm(prefix + names.embeddings_norm,
                                    before_norm ? config.hidden_size : width, config.norm_bias));
  if (!config.projects_embeddings()) return absl::OkStatus();
  // Not in int8: embeddings are as fine as the activations.
  ASSIGN_OR_RETURN(weights->embedding_projection,
                   loader->LoadLinear(prefix + names.embedding_projection, config.hidden_size,
                                      width, types.activations, !before_norm));
  return absl::OkStatus();
}

}  // namespace

std::string EncoderPrefix(const EncoderFamily& family, const Checkpoint& checkpoint) {
  const bool bare = checkpoint.Has(absl::StrCat(family.names.word_embeddings, ".weight"));
  return bare ? "" : family.prefix;
}

size_t StoredLayer(const EncoderConfig& config, int64_t index) {
  if (config.num_groups == 0) return static_cast<size_t>(index);
  // Divided as transformers divides, whose result is a little less than the exact one at times.
  const int64_t rounds = config.num_layers / config.group_size;
  const double each = static_cast<double>(rounds) / static_cast<double>(config.num_groups);
  const auto group = static_cast<int64_t>(static_cast<double>(index / config.group_size) / each);
  return static_cast<size_t>(group * config.group_size + index % config.group_size);
}

absl::StatusOr<EncoderWeights> LoadEncoderWeights(const EncoderConfig& config, LinearTypes types,
                                                  WeightLoader* loader) {
  const EncoderWeightNames& names = config.family->names;
  const std::string prefix = EncoderPrefix(*config.family, loader->checkpoint());
  EncoderWeights weights;
  RETURN_IF_ERROR(LoadEmbeddings(config, prefix, types, loader, &weights));
  const int64_t stored =
      config.num_groups > 0 ? config.num_groups * config.group_size : config.num_layers;
  const bool pre_norm = config.family->block == EncoderBlock::kPreNormGated;
  for (int64_t index = 0; index < stored; ++index) {
    const std::string name =
        names.group_layers == nullptr
            ? absl::StrCat(prefix, names.layers, ".", index, ".")
            : absl::StrCat(prefix, names.layers, ".", index / config.group_size, ".",
                           names.group_layers, ".", index % config.group_size, ".");
    // Before the first layer the embeddings' norm is attention's.
    ASSIGN_OR_RETURN(EncoderLayerWeights layer,
                     LoadLayer(config, !(pre_norm && index == 0), name, types, loader));
    weights.layers.push_back(std::move(layer));
  }
  if (names.final_norm != nullptr) {
    ASSIGN_OR_RETURN(weights.final_norm, loader->LoadNorm(prefix + names.final_norm,
                                                          config.hidden_size, config.norm_bias));
  }
  return weights;
}

}  // namespace attentiond
