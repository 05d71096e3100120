#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/render/attribution.h"
#include "client/render/display_width.h"
#include "client/render/escape.h"

namespace attentiond::client {
namespace {

constexpr int kWidestWord = 24;  // longer ones are cut in the list
constexpr int kLongestBar = 12;

class AttributionRenderer {
 public:
  AttributionRenderer(const Attribution& attribution, const TerminalStyle& style)
      : attribution_(attribution), style_(style) {}

  std::string Render() {
    if (style_.color != ColorDepth::kNone) AppendText();
    AppendList();
    return std::move(out_);
  }

 private:
  // The text in lines, broken between words; a word has room around it, so that neighbours' colours
  // do not touch.
  void AppendText() {
    int column = 0;
    for (const AttributedWord& word : attribution_.words) {
      const std::string text = absl::StrCat(" ", Printable(word.text), " ");
      const std::string gap(absl::StripAsciiWhitespace(Printable(word.gap)));
      const int width = DisplayWidth(gap) + DisplayWidth(text);
      if (style_.columns > 0 && column > 0 && column + width > style_.columns) {
        out_ += "\n";
        column = 0;
      }
      absl::StrAppend(&out_, gap, Colored(text, ColorOf(word), style_.color));
      column += width;
    }
    absl::StrAppend(&out_, absl::StripAsciiWhitespace(Printable(attribution_.tail)), "\n\n");
  }

  void AppendList() {
    int widest = 0;
    for (const AttributedWord& word : attribution_.words) {
      widest = std::max(widest, DisplayWidth(Printable(word.text)));
    }
    widest = std::min(widest, kWidestWord);
    AppendLine(std::string(static_cast<size_t>(widest), ' '), attribution_.measures, "");
    for (const AttributedWord& word : attribution_.words) {
      std::vector<std::string> effects;
      for (const double effect : word.effects) {
        effects.push_back(EffectText(effect, attribution_.has_signs));
      }
      if (effects.empty()) effects.assign(attribution_.measures.size(), "-");
      AppendLine(FitToWidth(Printable(word.text), widest, Align::kRight), effects, BarOf(word));
    }
  }

  void AppendLine(const std::string& label, const std::vector<std::string>& cells,
                  const std::string& bar) {
    std::string line = label;
    for (size_t i = 0; i < cells.size(); ++i) {
      const int width = std::max(8, DisplayWidth(attribution_.measures[i]) + 2);
      line += FitToWidth(cells[i], width, Align::kRight);
    }
    if (!bar.empty()) absl::StrAppend(&line, "  ", bar);
    absl::StrAppend(&out_, line, "\n");
  }

  double StrengthOf(const AttributedWord& word) const {
    return word.effects.empty() ? 0 : word.effects[attribution_.shown] / largest_;
  }

  Rgb ColorOf(const AttributedWord& word) const { return EffectColor(StrengthOf(word)); }

  std::string BarOf(const AttributedWord& word) const {
    const double strength = StrengthOf(word);
    const auto length = std::lround(kLongestBar * std::abs(strength));
    if (length == 0) return "";
    const std::string bar(static_cast<size_t>(length), strength > 0 ? '+' : '-');
    return Colored(bar, ColorOf(word), style_.color);
  }

  const Attribution& attribution_;
  const TerminalStyle style_;
  const double largest_ = LargestEffect(attribution_);
  std::string out_;
};

}  // namespace

std::string RenderAttributionTerminal(const Attribution& attribution, const TerminalStyle& style) {
  return AttributionRenderer(attribution, style).Render();
}

}  // namespace attentiond::client
