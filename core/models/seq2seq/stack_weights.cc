// core/models/seq2seq/stack_weights.cc -- finds a stack's tensors by its family's names.
#include "core/models/seq2seq/stack_weights.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/models/seq2seq/sinusoids.h"

namespace attentiond {
namespace {

bool Named(const char* name) { return *name != '\0'; }

/// Loads the linear layers and norms of one layer.
class LayerLoader {
 public:
  LayerLoader(const StackConfig& config, const StackNames& names, int64_t index, LinearTypes types,
              WeightLoader* loader)
      : config_(config),
        names_(names),
        prefix_(absl::StrCat(names.layers, ".", index, ".")),
        types_(types),
        loader_(loader) {}

  absl::StatusOr<Linear> LoadLinear(const char* name, int64_t out, int64_t in) {
    if (names_.transposed) {
      return loader_->LoadTransposedLinear(prefix_ + name, out, in, types_);
    }
    return loader_->LoadLinear(prefix_ + name, out, in, types_, config_.linear_bias);
  }

  absl::StatusOr<NormWeights> LoadNorm(const char* name) {
    return loader_->LoadNorm(prefix_ + name, config_.hidden_size, config_.subtract_mean);
  }

  absl::StatusOr<Linear> LoadQueryKeyValue(const StackNames::AttentionNames& names) {
    const int64_t width = config_.attention_width();
    if (Named(names.query_key_value)) {
      return LoadLinear(names.query_key_value, 3 * width, config_.hidden_size);
    }
    return LoadFused({prefix_ + names.query, prefix_ + names.key, prefix_ + names.value},
                     config_.hidden_size);
  }

  absl::StatusOr<Linear> LoadKeyValue(const StackNames::AttentionNames& names,
                                      int64_t memory_width) {
    const int64_t width = config_.attention_width();
    if (Named(names.key_value)) return LoadLinear(names.key_value, 2 * width, memory_width);
    return LoadFused({prefix_ + names.key, prefix_ + names.value}, memory_width);
  }

 private:
  absl::StatusOr<Linear> LoadFused(std::vector<std::string> names, int64_t in) {
    return loader_->LoadFusedLinear(names, config_.attention_width(), in, types_,
                                    config_.linear_bias);
  }

  const StackConfig& config_;
  const StackNames& names_;
  const std::string prefix_;
  const LinearTypes types_;
  WeightLoader* const loader_;
};

absl::StatusOr<StackLayerWeights> LoadLayer(const StackConfig& config, const StackNames& names,
                                            int64_t memory_width, LayerLoader loader) {
  const int64_t hidden = config.hidden_size, width = config.attention_width();
  const int64_t inner = config.intermediate_size;
  ASSIGN_OR_RETURN(Linear query_key_value, loader.LoadQueryKeyValue(names.self));
  ASSIGN_OR_RETURN(Linear self_output, loader.LoadLinear(names.self.output, hidden, width));
  ASSIGN_OR_RETURN(NormWeights self_norm, loader.LoadNorm(names.self.norm));
  std::optional<StackLayerWeights::CrossAttention> cross;
  if (memory_width > 0) {
    ASSIGN_OR_RETURN(Linear query, loader.LoadLinear(names.cross.query, width, hidden));
    ASSIGN_OR_RETURN(Linear key_value, loader.LoadKeyValue(names.cross, memory_width));
    ASSIGN_OR_RETURN(Linear output, loader.LoadLinear(names.cross.output, hidden, width));
    ASSIGN_OR_RETURN(NormWeights norm, loader.LoadNorm(names.cross.norm));
    cross = StackLayerWeights::CrossAttention{std::move(query), std::move(key_value),
                                              std::move(output), std::move(norm)};
  }
  ASSIGN_OR_RETURN(Linear up, loader.LoadLinear(names.up, inner, hidden));
  std::optional<Linear> gate;
  if (config.gated) {
    ASSIGN_OR_RETURN(gate, loader.LoadLinear(names.gate, inner, hidden));
  }
  ASSIGN_OR_RETURN(Linear down, loader.LoadLinear(names.down, hidden, inner));
  ASSIGN_OR_RETURN(NormWeights norm, loader.LoadNorm(names.norm));
  return StackLayerWeights{
      {std::move(query_key_value), std::move(self_output), std::move(self_norm)},
      std::move(cross),
      std::move(up),
      std::move(gate),
      std::move(down),
      std::move(norm)};
}

absl::StatusOr<Tensor> LoadPositions(const StackConfig& config, const StackNames& names,
                                     int64_t padding_id, WeightLoader* loader) {
  const int64_t rows = config.position_rows();
  if (config.positions == PositionTable::kNone) return Tensor();
  const std::string name = names.positions;
  const bool stored = loader->checkpoint().Has(name + ".weight");
  if (config.positions == PositionTable::kLearned || stored) {
    return loader->LoadTable(name, rows, config.hidden_size);
  }
  return MakeSinusoids(config.positions, rows, config.hidden_size, padding_id);
}

}  // namespace

absl::StatusOr<StackWeights> LoadStackWeights(const StackConfig& config, const StackNames& names,
                                              int64_t memory_width, int64_t padding_id,
                                              LinearTypes types, WeightLoader* loader) {
  StackWeights weights;
  ASSIGN_OR_RETURN(weights.positions, LoadPositions(config, names, padding_id, loader));
  if (config.embeddings_norm) {
    ASSIGN_OR_RETURN(weights.embeddings_norm,
                     loader->LoadNorm(names.embeddings_norm, config.hidden_size));
  }
  for (int64_t index = 0; index < config.num_layers; ++index) {
    ASSIGN_OR_RETURN(
        StackLayerWeights layer,
        LoadLayer(config, names, memory_width, LayerLoader(config, names, index, types, loader)));
    weights.layers.push_back(std::move(layer));
  }
  if (config.final_norm) {
    ASSIGN_OR_RETURN(weights.final_norm,
                     loader->LoadNorm(names.final_norm, config.hidden_size, config.subtract_mean));
  }
  if (config.relative) {
    ASSIGN_OR_RETURN(
        weights.relative_bias,
        loader->LoadTable(names.relative_bias, config.relative->count, config.num_heads));
  }
  return weights;
}

}  // namespace attentiond
