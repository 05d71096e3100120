#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/render/color_map.h"
#include "client/render/display_width.h"
#include "client/render/escape.h"
#include "client/render/heat_map.h"

namespace attentiond::client {
namespace {

// All lengths in SVG user units, which viewers show as pixels.
constexpr double kCell = 40;
constexpr double kMargin = 24;
constexpr double kTitleHeight = 44;
constexpr double kLegendHeight = 64;
constexpr double kLegendWidth = 240;
constexpr double kLabelGap = 10;
// Text is laid out by the viewer; this is the width of a generous sans-serif column at 14 units.
constexpr double kCharWidth = 8.2;
constexpr double kSin45 = 0.7071;
constexpr int kWidestLabel = 24;

std::vector<std::string> CutLabels(const std::vector<std::string>& labels) {
  std::vector<std::string> cut;
  for (const std::string& label : labels) {
    cut.push_back(TruncateToWidth(Printable(label), kWidestLabel));
  }
  return cut;
}

double WidestText(const std::vector<std::string>& labels) {
  int widest = 0;
  for (const std::string& label : labels) widest = std::max(widest, DisplayWidth(label));
  return widest * kCharWidth;
}

class SvgRenderer {
 public:
  explicit SvgRenderer(const HeatMap& map)
      : map_(map),
        rows_(CutLabels(map.row_labels)),
        columns_(CutLabels(map.column_labels)),
        largest_(LargestWeight(map)) {
    // Column labels lean to the right by 45 degrees: they need height, and room past the last cell.
    const double lean = WidestText(columns_) * kSin45;
    left_ = kMargin + WidestText(rows_) + kLabelGap;
    top_ = kMargin + kTitleHeight + lean + kLabelGap + 8;
    grid_width_ = kCell * static_cast<double>(map.columns());
    grid_height_ = kCell * static_cast<double>(map.rows());
    width_ = std::max({left_ + grid_width_ + lean + kMargin, left_ + kLegendWidth + kMargin,
                       2 * kMargin + 10 * static_cast<double>(map.title.size())});
    height_ = top_ + grid_height_ + kLegendHeight + kMargin;
  }

  std::string Render() {
    AppendHead();
    for (size_t row = 0; row < map_.rows(); ++row) {
      AppendRowLabel(row);
      for (size_t column = 0; column < map_.columns(); ++column) AppendCell(row, column);
    }
    for (size_t column = 0; column < map_.columns(); ++column) AppendColumnLabel(column);
    AppendLegend();
    out_ += "</svg>\n";
    return std::move(out_);
  }

 private:
  void AppendHead() {
    const std::string title = EscapeMarkup(map_.title);
    absl::StrAppendFormat(
        &out_,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
        "height=\"%.0f\" role=\"img\" aria-labelledby=\"title description\">\n"
        "<title id=\"title\">Attention: %s</title>\n"
        "<desc id=\"description\">%s</desc>\n"
        "<style>text{font-family:system-ui,'Segoe UI','DejaVu Sans',sans-serif;font-size:14px;"
        "fill:#1d1b2e}"
        ".r{text-anchor:end;dominant-baseline:central}.v{font-size:12px;text-anchor:middle;"
        "dominant-baseline:central;pointer-events:none}.h{font-size:18px;font-weight:600}"
        ".n{font-size:12px;fill:#57546b}g:hover>rect{stroke:#c2410c;stroke-width:2.5}</style>\n"
        "<rect width=\"100%%\" height=\"100%%\" rx=\"12\" fill=\"#fdfcf8\"/>\n"
        "<text class=\"h\" x=\"%.0f\" y=\"%.0f\">%s</text>\n",
        width_, height_, width_, height_, title, Description(), kMargin, kMargin + 18, title);
  }

  // What a reader who does not see the picture should know: where each row looks most.
  std::string Description() const {
    std::string text = "Each row is a word, each column what it attends to. ";
    for (size_t row = 0; row < map_.rows() && map_.columns() > 0; ++row) {
      const float* const begin = map_.weights.data() + row * map_.columns();
      const auto best =
          static_cast<size_t>(std::max_element(begin, begin + map_.columns()) - begin);
      absl::StrAppend(&text, EscapeMarkup(rows_[row]), " looks most at ",
                      EscapeMarkup(columns_[best]), ", ", EscapeMarkup(Percent(begin[best])),
                      " %. ");
    }
    return text;
  }

  void AppendCell(size_t row, size_t column) {
    const double weight = map_.at(row, column);
    const Rgb color = HeatColor(weight / largest_);
    const double x = left_ + kCell * static_cast<double>(column);
    const double y = top_ + kCell * static_cast<double>(row);
    const std::string percent = EscapeMarkup(Percent(weight));
    absl::StrAppendFormat(&out_,
                          "<g><title>%s → %s: %s %%</title><rect x=\"%.0f\" y=\"%.0f\" "
                          "width=\"%.0f\" height=\"%.0f\" rx=\"4\" fill=\"%s\"/>",
                          EscapeMarkup(rows_[row]), EscapeMarkup(columns_[column]), percent, x + 1,
                          y + 1, kCell - 2, kCell - 2, HexColor(color));
    // Numbers that say nothing would only hide the pattern.
    if (weight >= 0.005) {
      absl::StrAppendFormat(&out_,
                            "<text class=\"v\" x=\"%.1f\" y=\"%.1f\" style=\"fill:%s\">%s</text>",
                            x + kCell / 2, y + kCell / 2, HexColor(TextColorOn(color)), percent);
    }
    out_ += "</g>\n";
  }

  void AppendRowLabel(size_t row) {
    absl::StrAppendFormat(&out_, "<text class=\"r\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                          left_ - kLabelGap, top_ + kCell * (static_cast<double>(row) + 0.5),
                          EscapeMarkup(rows_[row]));
  }

  void AppendColumnLabel(size_t column) {
    const double x = left_ + kCell * (static_cast<double>(column) + 0.5);
    const double y = top_ - kLabelGap;
    absl::StrAppendFormat(
        &out_, "<text transform=\"translate(%.1f %.1f) rotate(-45)\" x=\"0\" y=\"4\">%s</text>\n",
        x, y, EscapeMarkup(columns_[column]));
  }

  void AppendLegend() {
    constexpr int kSteps = 24;
    const double y = top_ + grid_height_ + 24;
    constexpr double kStep = kLegendWidth / kSteps;
    for (int step = 0; step < kSteps; ++step) {
      // Half a unit wider, so that no seam shows between the steps.
      absl::StrAppendFormat(
          &out_, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"12\" fill=\"%s\"/>",
          left_ + kStep * step, y, kStep + 0.5, HexColor(HeatColor((step + 0.5) / kSteps)));
    }
    absl::StrAppendFormat(
        &out_,
        "\n<text class=\"n\" x=\"%.1f\" y=\"%.1f\">0 %%</text>"
        "<text class=\"n\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s %%</text>\n",
        left_, y + 28, left_ + kLegendWidth, y + 28, EscapeMarkup(Percent(largest_)));
  }

  const HeatMap& map_;
  const std::vector<std::string> rows_, columns_;
  const double largest_;
  double left_ = 0, top_ = 0, grid_width_ = 0, grid_height_ = 0, width_ = 0, height_ = 0;
  std::string out_;
};

}  // namespace

std::string RenderHeatMapSvg(const HeatMap& map) { return SvgRenderer(map).Render(); }

}  // namespace attentiond::client
