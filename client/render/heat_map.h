// client/render/heat_map.h -- attention as a picture: for the terminal, as SVG and as a web page.
//
// All labels and titles may come from anywhere: each renderer escapes them for its medium.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/render/attribution.h"
#include "client/render/terminal_style.h"

namespace attentiond::client {

/// A matrix of probabilities with a name for each row (who looks) and column (what is looked at).
struct HeatMap {
  std::string title;  ///< "Layer 3, head 2"
  std::vector<std::string> row_labels;
  std::vector<std::string> column_labels;
  std::vector<float> weights;  ///< row-major [rows, columns], each in [0, 1]

  size_t rows() const { return row_labels.size(); }
  size_t columns() const { return column_labels.size(); }
  float at(size_t row, size_t column) const { return weights[row * columns() + column]; }
};

/// The largest weight, at least a hundredth: what the deepest colour stands for.
double LargestWeight(const HeatMap& map);

/// "42" for 0.42, "<1" for what is above zero and rounds to nothing, "0".
std::string Percent(double weight);

/// Rows of coloured cells with the percentage in each; without colour the percentages alone, the
/// largest of a row marked '*'. Column labels are cut, then replaced by numbers, and at last the
/// columns go into blocks below each other, to keep lines within style.columns.
std::string RenderHeatMapTerminal(const HeatMap& map, const TerminalStyle& style);

/// A stand-alone SVG 1.1 document: title and description for screen readers, a tooltip for each
/// cell, no scripts, no fonts or links from elsewhere.
std::string RenderHeatMapSvg(const HeatMap& map);

/// What a page shows of one text.
struct HeatMapPage {
  std::string text;                                    ///< the text itself
  std::string model;                                   ///< its name
  std::vector<std::pair<std::string, double>> scores;  ///< labels with probabilities; may be empty
  std::vector<HeatMap> maps;                           ///< with the same labels; at least one
  bool is_rollout = false;  ///< a row is what a word is made of, rather than what it looks at
  std::optional<Attribution> attribution = std::nullopt;
};

/// A stand-alone HTML page without any network access (its content security policy forbids it):
/// the scores, what each word does to them, the words shaded by what the chosen word attends to,
/// and each map as a table. Works without scripts; they add choosing a word and a map.
std::string RenderHeatMapHtml(const HeatMapPage& page);

}  // namespace attentiond::client
