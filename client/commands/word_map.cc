#include "client/commands/word_map.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "client/tensor_conversion.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

// The tokens that share a row and a column of the picture.
struct Unit {
  std::string label;
  std::vector<size_t> tokens;
};

bool SameWord(const v1::Token& a, const v1::Token& b) {
  return a.has_word_index() && b.has_word_index() && a.sequence() == b.sequence() &&
         a.word_index() == b.word_index();
}

// The word as it stands in the text; the vocabulary's spelling may be lower-cased and cut.
std::string WordOf(const v1::Token& first, const v1::Token& last, const TextRow& row) {
  const std::string& text = first.sequence() == 0  ? row.text
                            : row.pair.has_value() ? *row.pair
                                                   : row.text;
  const int64_t begin = first.byte_begin(), end = last.byte_end();
  const bool in_text = 0 <= begin && begin < end && end <= static_cast<int64_t>(text.size());
  return in_text ? text.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin))
                 : first.text();
}

std::vector<Unit> MakeUnits(const v1::Explanation& explanation, const TextRow& text,
                            const WordMapOptions& options) {
  const auto& tokens = explanation.tokens();
  std::vector<Unit> units;
  for (int i = 0; i < tokens.size(); ++i) {
    if (options.hide_special && tokens[i].special()) continue;
    const bool joins =
        options.merge_words && i > 0 && !units.empty() && SameWord(tokens[i - 1], tokens[i]);
    if (!joins) units.push_back({tokens[i].text(), {}});
    units.back().tokens.push_back(static_cast<size_t>(i));
    if (options.merge_words && !tokens[i].special()) {
      const auto first = static_cast<int>(units.back().tokens.front());
      units.back().label = WordOf(tokens[first], tokens[i], text);
    }
  }
  return units;
}

std::string Title(const v1::AttentionMap& map, bool is_rollout) {
  if (is_rollout) {
    return map.layer() == 0 ? "Rollout of layer 0"
                            : absl::StrCat("Rollout of layers 0 to ", map.layer());
  }
  if (map.has_layer() && map.has_head()) {
    return absl::StrCat("Layer ", map.layer(), ", head ", map.head());
  }
  if (map.has_layer()) return absl::StrCat("Layer ", map.layer(), ", mean of the heads");
  if (map.has_head()) return absl::StrCat("Head ", map.head(), ", mean of the layers");
  return "Mean of the layers and heads";
}

absl::StatusOr<HeatMap> ToHeatMap(const v1::AttentionMap& map, size_t num_tokens,
                                  const std::vector<Unit>& units, bool is_rollout) {
  ASSIGN_OR_RETURN(const TensorView view, FromProto(map.weights()));
  const auto tokens = static_cast<int64_t>(num_tokens);
  if (view.shape != Shape({tokens, tokens})) {
    return absl::InternalError(absl::StrCat("the server sent a map of shape ",
                                            view.shape.ToString(), " for ", tokens, " tokens"));
  }
  ASSIGN_OR_RETURN(const Tensor weights, ToFloat32(view));
  const float* const values = weights.values<float>().data();
  HeatMap heat_map;
  heat_map.title = Title(map, is_rollout);
  for (const Unit& unit : units) heat_map.row_labels.push_back(unit.label);
  heat_map.column_labels = heat_map.row_labels;
  for (const Unit& from : units) {
    for (const Unit& to : units) {
      double sum = 0;
      for (const size_t row : from.tokens) {
        for (const size_t column : to.tokens) sum += double{values[row * num_tokens + column]};
      }
      heat_map.weights.push_back(static_cast<float>(sum / static_cast<double>(from.tokens.size())));
    }
  }
  return heat_map;
}

}  // namespace

absl::StatusOr<std::vector<HeatMap>> ToHeatMaps(const v1::Explanation& explanation,
                                                const TextRow& text,
                                                const WordMapOptions& options) {
  const std::vector<Unit> units = MakeUnits(explanation, text, options);
  std::vector<HeatMap> heat_maps;
  for (const v1::AttentionMap& map : explanation.maps()) {
    ASSIGN_OR_RETURN(
        HeatMap heat_map,
        ToHeatMap(map, static_cast<size_t>(explanation.tokens_size()), units, options.rollout));
    heat_maps.push_back(std::move(heat_map));
  }
  return heat_maps;
}

}  // namespace attentiond::client
