// server/inference/attention_maps.h -- which attention maps of a model were asked for, and making
// them from the weights of all layers and heads.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace attentiond {

/// What comes back for the selected layers and heads.
enum class AttentionReduction : uint8_t {
  kAsSelected,  ///< what is listed one by one, what is left empty averaged
  kNone,        ///< one map for each layer and head
  kMeanHeads,   ///< one map for each layer
  kMeanLayers,  ///< one map for each head
  kMeanAll,     ///< one map
  kRollout,     ///< one rollout up to each listed layer, or one through all (attention_rollout.h)
  kNoMaps,
};

/// A request for maps, as the client made it.
struct AttentionMapSelection {
  absl::Span<const int32_t> layers;  ///< from 0, none twice; empty: all
  absl::Span<const int32_t> heads;   ///< from 0, none twice; empty: all
  AttentionReduction reduction = AttentionReduction::kAsSelected;
};

/// The maps to make, in the order in which they are sent.
struct AttentionMapPlan {
  /// One map; nullopt: the mean over the plan's layers or heads. A rollout has its last layer.
  struct Map {
    std::optional<int32_t> layer;
    std::optional<int32_t> head;
  };
  std::vector<int32_t> layers;  ///< those that were selected
  std::vector<int32_t> heads;
  std::vector<Map> maps;
  bool is_rollout = false;  ///< the maps are for WriteAttentionRollouts()
};

/// Errors    kInvalidArgument, a FieldError() of "layers[i]" or "heads[i]": not in
///           [0, num_layers) or [0, num_heads), or listed twice.
absl::StatusOr<AttentionMapPlan> PlanAttentionMaps(const AttentionMapSelection& selection,
                                                   int64_t num_layers, int64_t num_heads);

/// Writes one map of `plan`, no rollout, [tokens, tokens], from `attentions`, [layers, num_heads,
/// tokens, tokens]: the weights of all layers and heads of one row, as EncoderRowResult has them.
void WriteAttentionMap(const AttentionMapPlan& plan, const AttentionMapPlan::Map& map,
                       absl::Span<const float> attentions, int64_t num_heads, int64_t tokens,
                       absl::Span<float> weights);

}  // namespace attentiond
