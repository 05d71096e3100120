#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/render/color_map.h"
#include "client/render/display_width.h"
#include "client/render/escape.h"
#include "client/render/heat_map.h"

namespace attentiond::client {
namespace {

constexpr int kLeastCell = 5;     // "100*" and a space
constexpr int kWidestLabel = 12;  // longer words are cut
constexpr int kWidestRowLabel = 20;

// How the columns are laid out to fit the terminal.
struct Layout {
  int row_label = 0;      // columns of the terminal for the label of a row
  int cell = kLeastCell;  // and for one cell
  bool numbered = false;  // columns have numbers instead of words
  size_t block = 1;       // cells beside each other
};

int WidestLabel(const std::vector<std::string>& labels, int at_most) {
  int widest = 0;
  for (const std::string& label : labels) widest = std::max(widest, DisplayWidth(label));
  return std::min(widest, at_most);
}

std::string NumberedLabel(const std::vector<std::string>& labels, size_t index) {
  return absl::StrFormat("%2d %s", index + 1, labels[index]);
}

Layout PlanLayout(const HeatMap& map, int terminal_columns) {
  const auto columns = static_cast<int>(map.columns());
  Layout layout;
  layout.row_label = WidestLabel(map.row_labels, kWidestRowLabel);
  layout.cell = std::max(kLeastCell, WidestLabel(map.column_labels, kWidestLabel) + 1);
  layout.block = map.columns();
  const auto width_left = [&] { return terminal_columns - layout.row_label - 1; };
  if (terminal_columns <= 0 || columns * layout.cell <= width_left()) return layout;
  // Words cut to six columns still tell; shorter they do not.
  constexpr int kShortestWordCell = 7;
  layout.cell = columns > 0 ? std::min(layout.cell, width_left() / columns) : layout.cell;
  if (layout.cell >= kShortestWordCell) return layout;
  layout.numbered = true;
  layout.row_label += 3;
  layout.cell = kLeastCell;
  layout.block = static_cast<size_t>(std::max(1, width_left() / layout.cell));
  return layout;
}

class TerminalRenderer {
 public:
  TerminalRenderer(const HeatMap& map, const TerminalStyle& style)
      : map_(map), style_(style), layout_(PlanLayout(map, style.columns)) {}

  std::string Render() {
    for (size_t first = 0; first < map_.columns(); first += layout_.block) {
      if (first > 0) out_ += "\n";
      const size_t end = std::min(map_.columns(), first + layout_.block);
      AppendHeader(first, end);
      for (size_t row = 0; row < map_.rows(); ++row) AppendRow(row, first, end);
    }
    return std::move(out_);
  }

 private:
  void AppendHeader(size_t first, size_t end) {
    std::string line(static_cast<size_t>(layout_.row_label + 1), ' ');
    for (size_t column = first; column < end; ++column) {
      const std::string label =
          layout_.numbered ? absl::StrCat(column + 1) : map_.column_labels[column];
      absl::StrAppend(&line, FitToWidth(label, layout_.cell - 1, Align::kCenter), " ");
    }
    absl::StrAppend(&out_, absl::StripTrailingAsciiWhitespace(line), "\n");
  }

  void AppendRow(size_t row, size_t first, size_t end) {
    const std::string label =
        layout_.numbered ? NumberedLabel(map_.row_labels, row) : map_.row_labels[row];
    std::string line = FitToWidth(label, layout_.row_label, Align::kRight) + " ";
    for (size_t column = first; column < end; ++column) line += Cell(row, column);
    absl::StrAppend(&out_, absl::StripTrailingAsciiWhitespace(line), "\n");
  }

  std::string Cell(size_t row, size_t column) const {
    const double weight = map_.at(row, column);
    // Right-aligned, so that numbers under each other compare.
    std::string text = FitToWidth(Percent(weight), 3, Align::kRight);
    if (style_.color == ColorDepth::kNone) {
      text += IsLargestOfRow(row, column) ? "*" : " ";
      return FitToWidth(text, layout_.cell, Align::kCenter);
    }
    // The color fills the whole cell, so that neighbours touch.
    return Colored(FitToWidth(text, layout_.cell, Align::kCenter), HeatColor(weight / largest_),
                   style_.color);
  }

  bool IsLargestOfRow(size_t row, size_t column) const {
    const float* const begin = map_.weights.data() + row * map_.columns();
    const float largest = *std::max_element(begin, begin + map_.columns());
    return largest > 0 && map_.at(row, column) == largest;
  }

  const HeatMap& map_;
  const TerminalStyle style_;
  const Layout layout_;
  const double largest_ = LargestWeight(map_);
  std::string out_;
};

}  // namespace

std::string RenderHeatMapTerminal(const HeatMap& map, const TerminalStyle& style) {
  HeatMap printable = map;
  for (std::string& label : printable.row_labels) label = Printable(label);
  for (std::string& label : printable.column_labels) label = Printable(label);
  return TerminalRenderer(printable, style).Render();
}

}  // namespace attentiond::client
