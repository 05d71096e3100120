#include "client/commands/explain_output.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "client/commands/json_line.h"
#include "client/file.h"
#include "client/render/escape.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

// A page of more cells than this is slow to open and says nothing.
constexpr size_t kMaxPageCells = 500'000;

absl::Span<const HeatMap> MapsToPrint(const ExplainedText& explained) {
  if (!explained.prints_maps) return {};
  return explained.maps;
}

nlohmann::ordered_json MapJson(const v1::AttentionMap& proto, const HeatMap& map) {
  nlohmann::ordered_json object;
  if (proto.has_layer()) object["layer"] = proto.layer();
  if (proto.has_head()) object["head"] = proto.head();
  object["weights"] = nlohmann::ordered_json::array();
  for (size_t row = 0; row < map.rows(); ++row) {
    nlohmann::ordered_json& values =
        object["weights"].emplace_back(nlohmann::ordered_json::array());
    for (size_t column = 0; column < map.columns(); ++column) {
      values.push_back(FewestDigits(map.at(row, column)));
    }
  }
  return object;
}

nlohmann::ordered_json AttributionJson(const v1::Attribution& proto) {
  nlohmann::ordered_json object;
  if (!proto.label().empty()) {
    object = {{"label", proto.label()},
              {"score", FewestDigits(proto.score())},
              {"logit", FewestDigits(proto.logit())}};
  }
  object["words"] = nlohmann::ordered_json::array();
  for (const v1::WordAttribution& proto_word : proto.words()) {
    nlohmann::ordered_json word = {{"text", proto_word.text()},
                                   {"sequence", proto_word.sequence()},
                                   {"byte_begin", proto_word.byte_begin()},
                                   {"byte_end", proto_word.byte_end()}};
    if (proto_word.has_score_effect()) {
      word["score_effect"] = FewestDigits(proto_word.score_effect());
      word["logit_effect"] = FewestDigits(proto_word.logit_effect());
    }
    if (proto_word.has_cosine_effect()) {
      word["cosine_effect"] = FewestDigits(proto_word.cosine_effect());
    }
    object["words"].push_back(word);
  }
  return object;
}

}  // namespace

void PrintExplanation(const ExplainedText& explained, const TerminalStyle& style,
                      std::ostream* out) {
  const v1::Explanation& explanation = explained.explanation;
  *out << Printable(explained.text.text);
  if (explained.text.pair) *out << " | " << Printable(*explained.text.pair);
  *out << "\n";
  for (const auto& label : explanation.classification().labels()) {
    *out << Printable(absl::StrFormat("%s %.3f   ", label.label(), label.score()));
  }
  if (explanation.classification().labels_size() > 0) *out << "\n";
  if (explained.attribution) {
    *out << "\nWhat each word does to " << Printable(explained.attribution->result) << "\n"
         << Printable(explained.attribution->explanation) << "\n\n"
         << RenderAttributionTerminal(*explained.attribution, style);
  }
  for (const HeatMap& map : MapsToPrint(explained)) {
    *out << "\n" << Printable(map.title) << ", % of each row\n";
    *out << RenderHeatMapTerminal(map, style);
  }
  if (explanation.truncated_tokens() > 0) {
    *out << explanation.truncated_tokens() << " more tokens were cut off\n";
  }
}

void PrintExplanationJson(const ExplainedText& explained, std::ostream* out) {
  const v1::Explanation& explanation = explained.explanation;
  nlohmann::ordered_json object = {{"text", explained.text.text}};
  if (explained.text.pair) object["text_pair"] = *explained.text.pair;
  const absl::Span<const HeatMap> maps = MapsToPrint(explained);
  if (!maps.empty()) {
    object["tokens"] = maps.front().row_labels;
    object["maps"] = nlohmann::ordered_json::array();
  }
  for (size_t i = 0; i < maps.size(); ++i) {
    object["maps"].push_back(MapJson(explanation.maps(static_cast<int>(i)), maps[i]));
  }
  for (const auto& label : explanation.classification().labels()) {
    object["labels"].push_back({{"label", label.label()}, {"score", FewestDigits(label.score())}});
  }
  if (explanation.has_attribution()) {
    object["attribution"] = AttributionJson(explanation.attribution());
  }
  *out << JsonLine(object);
}

absl::Status WritePictures(const ExplainPictures& pictures, ExplainedText explained) {
  if (explained.maps.empty()) return absl::InternalError("the server sent no map");
  const HeatMap& first = explained.maps.front();
  const size_t cells = explained.maps.size() * first.rows() * first.columns();
  if (cells > kMaxPageCells) {
    return absl::InvalidArgumentError(
        absl::StrCat(cells,
                     " cells are too many for a picture; choose fewer with --layer and "
                     "--head, or a shorter text"));
  }
  if (!pictures.svg.empty()) {
    if (explained.maps.size() > 1) {
      return absl::InvalidArgumentError(
          "--svg draws one map; choose one with --layer and --head, or add --mean");
    }
    RETURN_IF_ERROR(WriteFile(pictures.svg, RenderHeatMapSvg(first)));
  }
  if (pictures.html.empty()) return absl::OkStatus();
  const TextRow& text = explained.text;
  HeatMapPage page;
  page.text = text.pair ? absl::StrCat(text.text, " | ", *text.pair) : text.text;
  page.model = pictures.model;
  for (const auto& label : explained.explanation.classification().labels()) {
    page.scores.emplace_back(label.label(), label.score());
  }
  page.maps = std::move(explained.maps);
  page.is_rollout = explained.is_rollout;
  page.attribution = std::move(explained.attribution);
  return WriteFile(pictures.html, RenderHeatMapHtml(page));
}

}  // namespace attentiond::client
