// server/inference/attention_maps.cc -- selection checked, means taken.
#include "server/inference/attention_maps.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

absl::StatusOr<std::vector<int32_t>> Select(absl::string_view field,
                                            absl::Span<const int32_t> listed, int64_t count) {
  std::vector<int32_t> selected(listed.begin(), listed.end());
  if (listed.empty()) {
    selected.resize(static_cast<size_t>(count));
    std::iota(selected.begin(), selected.end(), 0);
    return selected;
  }
  std::vector<bool> seen(static_cast<size_t>(count));
  for (size_t i = 0; i < listed.size(); ++i) {
    const auto element = [&] { return absl::StrCat(field, "[", i, "]"); };
    if (listed[i] < 0 || listed[i] >= count) {
      return FieldError(element(), absl::StrCat(listed[i], ", required 0 to ", count - 1));
    }
    if (seen[static_cast<size_t>(listed[i])]) {
      return FieldError(element(), absl::StrCat(listed[i], " is listed twice, required once"));
    }
    seen[static_cast<size_t>(listed[i])] = true;
  }
  return selected;
}

using Axis = std::vector<std::optional<int32_t>>;

Axis MapsOf(const std::vector<int32_t>& selected, bool averaged) {
  return averaged ? Axis{std::nullopt} : Axis(selected.begin(), selected.end());
}

}  // namespace

absl::StatusOr<AttentionMapPlan> PlanAttentionMaps(const AttentionMapSelection& selection,
                                                   int64_t num_layers, int64_t num_heads) {
  AttentionMapPlan plan;
  ASSIGN_OR_RETURN(plan.layers, Select("layers", selection.layers, num_layers));
  ASSIGN_OR_RETURN(plan.heads, Select("heads", selection.heads, num_heads));

  const AttentionReduction reduction = selection.reduction;
  if (reduction == AttentionReduction::kNoMaps) return plan;
  if (reduction == AttentionReduction::kRollout) {
    plan.is_rollout = true;
    if (selection.layers.empty()) plan.layers = {static_cast<int32_t>(num_layers - 1)};
    for (const int32_t layer : plan.layers) plan.maps.push_back({layer, std::nullopt});
    return plan;
  }
  const bool as_selected = reduction == AttentionReduction::kAsSelected;
  const bool all = reduction == AttentionReduction::kMeanAll;
  const bool mean_layers =
      as_selected ? selection.layers.empty() : all || reduction == AttentionReduction::kMeanLayers;
  const bool mean_heads =
      as_selected ? selection.heads.empty() : all || reduction == AttentionReduction::kMeanHeads;
  for (const std::optional<int32_t> layer : MapsOf(plan.layers, mean_layers)) {
    for (const std::optional<int32_t> head : MapsOf(plan.heads, mean_heads)) {
      plan.maps.push_back({layer, head});
    }
  }
  return plan;
}

void WriteAttentionMap(const AttentionMapPlan& plan, const AttentionMapPlan::Map& map,
                       absl::Span<const float> attentions, int64_t num_heads, int64_t tokens,
                       absl::Span<float> weights) {
  const auto layers = map.layer ? absl::MakeConstSpan(&*map.layer, 1) : plan.layers;
  const auto heads = map.head ? absl::MakeConstSpan(&*map.head, 1) : plan.heads;
  const auto map_size = static_cast<size_t>(tokens * tokens);
  std::fill(weights.begin(), weights.end(), 0.0f);
  for (const int32_t layer : layers) {
    for (const int32_t head : heads) {
      const auto source =
          attentions.subspan(static_cast<size_t>(layer * num_heads + head) * map_size, map_size);
      for (size_t i = 0; i < map_size; ++i) weights[i] += source[i];
    }
  }
  const float count = static_cast<float>(layers.size() * heads.size());
  for (float& weight : weights) weight /= count;
}

}  // namespace attentiond
