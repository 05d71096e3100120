#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/render/color_map.h"
#include "client/render/display_width.h"
#include "client/render/escape.h"
#include "client/render/heat_map.h"
#include "client/render/heat_map_html_assets.h"

namespace attentiond::client {
namespace {

void AppendHead(const HeatMapPage& page, std::string* out) {
  absl::StrAppend(out,
                  "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>Attention: ",
                  EscapeMarkup(TruncateToWidth(Printable(page.text), 80)), "</title>\n<style>",
                  HeatMapStyleSheet(), "</style>\n</head>\n<body>\n<main>\n");
}

void AppendScores(const HeatMapPage& page, std::string* out) {
  if (page.scores.empty()) return;
  absl::StrAppend(out, "<h2>What the model says</h2>\n<div class=\"scores\">\n");
  for (const auto& [label, score] : page.scores) {
    absl::StrAppendFormat(out,
                          "<span>%s</span><span class=\"track\" aria-hidden=\"true\"><span "
                          "class=\"fill\" style=\"width:%.1f%%\"></span></span><span>%.1f "
                          "%%</span>\n",
                          EscapeMarkup(label), 100 * score, 100 * score);
  }
  absl::StrAppend(out, "</div>\n");
}

// The words as buttons; hidden until the script is there to answer them.
void AppendWords(const HeatMapPage& page, const HeatMap& map, std::string* out) {
  absl::StrAppend(out, "<section data-script hidden>\n<h2>Choose a word to see ",
                  page.is_rollout ? "what it is made of" : "where it looks",
                  "</h2>\n<div class=\"words\">\n");
  for (const std::string& label : map.row_labels) {
    absl::StrAppend(out, "<button type=\"button\" aria-pressed=\"false\">", EscapeMarkup(label),
                    "</button>\n");
  }
  absl::StrAppend(out, "</div>\n<output aria-live=\"polite\" data-verb=\"",
                  page.is_rollout ? "is made of" : "looks at", "\"></output>\n</section>\n");
}

void AppendChoice(const HeatMapPage& page, std::string* out) {
  if (page.maps.size() < 2) return;
  absl::StrAppend(out, "<p data-script hidden><label>Map: <select>\n");
  for (const HeatMap& map : page.maps) {
    absl::StrAppend(out, "<option>", EscapeMarkup(map.title), "</option>\n");
  }
  absl::StrAppend(out, "</select></label></p>\n");
}

void AppendRow(const HeatMap& map, size_t row, double largest, std::string* out) {
  absl::StrAppend(out, "<tr><th scope=\"row\">", EscapeMarkup(map.row_labels[row]), "</th>");
  for (size_t column = 0; column < map.columns(); ++column) {
    const double weight = map.at(row, column);
    const auto level = std::lround(std::clamp(weight / largest, 0.0, 1.0) * (kHeatLevels - 1));
    // data-w: the weight in thousandths, for the script; zero is left out to keep pages small.
    const auto thousandths = std::lround(1000 * weight);
    absl::StrAppend(out, "<td class=\"c", level, "\"");
    if (thousandths > 0) absl::StrAppend(out, " data-w=\"", thousandths, "\"");
    absl::StrAppend(out, ">", weight >= 0.005 ? EscapeMarkup(Percent(weight)) : "", "</td>");
  }
  absl::StrAppend(out, "</tr>\n");
}

void AppendMap(const HeatMap& map, std::string* out) {
  const double largest = LargestWeight(map);
  absl::StrAppend(out,
                  "<figure style=\"margin:0\">\n<div class=\"scroll\" tabindex=\"0\" "
                  "role=\"region\" aria-label=\"",
                  EscapeMarkup(map.title), "\">\n<table>\n<caption>", EscapeMarkup(map.title),
                  "</caption>\n<thead><tr><td></td>");
  for (const std::string& label : map.column_labels) {
    absl::StrAppend(out, "<th scope=\"col\"><span>", EscapeMarkup(label), "</span></th>");
  }
  absl::StrAppend(out, "</tr></thead>\n<tbody>\n");
  for (size_t row = 0; row < map.rows(); ++row) AppendRow(map, row, largest, out);
  absl::StrAppend(out, "</tbody>\n</table>\n</div>\n<div class=\"legend\" aria-hidden=\"true\">",
                  "<span>0 %</span><i></i><span>", EscapeMarkup(Percent(largest)),
                  " %</span></div>\n</figure>\n");
}

}  // namespace

std::string RenderHeatMapHtml(const HeatMapPage& page) {
  std::string out;
  AppendHead(page, &out);
  absl::StrAppend(&out, "<h1>", EscapeMarkup(page.text), "</h1>\n<p class=\"soft\">Attention of ",
                  "the model <strong>", EscapeMarkup(page.model), "</strong></p>\n");
  AppendScores(page, &out);
  if (page.attribution) out += RenderAttributionHtml(*page.attribution);
  AppendWords(page, page.maps.front(), &out);
  absl::StrAppend(&out, "<h2>The whole map</h2>\n<p class=\"soft\">A row is a word ",
                  page.is_rollout ? "after these layers, a column what it is made of"
                                  : "that looks, a column what it looks at",
                  "; numbers are per cent of the row.</p>\n");
  AppendChoice(page, &out);
  for (const HeatMap& map : page.maps) AppendMap(map, &out);
  absl::StrAppend(&out, "</main>\n<script>", kHeatMapScript, "</script>\n</body>\n</html>\n");
  return out;
}

}  // namespace attentiond::client
