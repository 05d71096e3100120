#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/render/attribution.h"
#include "client/render/escape.h"
#include "client/render/heat_map_html_assets.h"

namespace attentiond::client {
namespace {

class AttributionHtml {
 public:
  explicit AttributionHtml(const Attribution& attribution) : attribution_(attribution) {}

  std::string Render() {
    absl::StrAppend(&out_, "<section>\n<h2>What each word does to ",
                    EscapeMarkup(attribution_.result), "</h2>\n<p class=\"soft\">",
                    EscapeMarkup(attribution_.explanation), "</p>\n");
    AppendText();
    AppendLegend();
    AppendNumbers();
    out_ += "</section>\n";
    return std::move(out_);
  }

 private:
  void AppendText() {
    // Numbers that say nothing would only hide those that do.
    constexpr double kLeastStrength = 0.02;
    out_ += "<p class=\"effects\">";
    for (const AttributedWord& word : attribution_.words) {
      absl::StrAppend(&out_, EscapeMarkup(word.gap), "<span><b class=\"", ClassOf(word), "\">",
                      EscapeMarkup(word.text), "</b>");
      if (std::abs(StrengthOf(word)) >= kLeastStrength) {
        absl::StrAppend(&out_, "<small>", ShownEffect(word), "</small>");
      }
      out_ += "</span>";
    }
    absl::StrAppend(&out_, EscapeMarkup(attribution_.tail), "</p>\n");
  }

  void AppendLegend() {
    const std::string largest = EffectText(largest_, attribution_.has_signs);
    const std::string least =
        attribution_.has_signs ? EffectText(-largest_, true) : EffectText(0, false);
    absl::StrAppend(&out_, "<div class=\"legend\" aria-hidden=\"true\"><span>", least,
                    "</span><i class=\"", attribution_.has_signs ? "signed" : "unsigned",
                    "\"></i><span>", largest, " ", EscapeMarkup(Measure()), "</span></div>\n");
  }

  void AppendNumbers() {
    out_ +=
        "<details>\n<summary>All numbers</summary>\n<div class=\"scroll\" tabindex=\"0\" "
        "role=\"region\" aria-label=\"Effects of the words\">\n<table class=\"numbers\">\n"
        "<thead><tr><th scope=\"col\">word</th>";
    for (const std::string& measure : attribution_.measures) {
      absl::StrAppend(&out_, "<th scope=\"col\">", EscapeMarkup(measure), "</th>");
    }
    out_ += "<td></td></tr></thead>\n<tbody>\n";
    for (const AttributedWord& word : attribution_.words) AppendLine(word);
    out_ += "</tbody>\n</table>\n</div>\n</details>\n";
  }

  void AppendLine(const AttributedWord& word) {
    absl::StrAppend(&out_, "<tr><th scope=\"row\">", EscapeMarkup(word.text), "</th>");
    for (size_t i = 0; i < attribution_.measures.size(); ++i) {
      absl::StrAppend(
          &out_, "<td>",
          word.effects.empty() ? "\u2013" : EffectText(word.effects[i], attribution_.has_signs),
          "</td>");
    }
    // Bars start in the middle, or at the left where nothing is below zero.
    const double half = attribution_.has_signs ? 50 : 100;
    const double length = half * std::abs(StrengthOf(word));
    const double origin = attribution_.has_signs ? 50 : 0;
    const double left = StrengthOf(word) < 0 ? origin - length : origin;
    absl::StrAppendFormat(&out_,
                          "<td class=\"bar\" aria-hidden=\"true\"><i class=\"%s\" "
                          "style=\"margin-left:%.1f%%;width:%.1f%%\"></i></td></tr>\n",
                          ClassOf(word), left, length);
  }

  double StrengthOf(const AttributedWord& word) const {
    return word.effects.empty() ? 0 : word.effects[attribution_.shown] / largest_;
  }

  /// "e0" (the most against) to "e<kEffectLevels - 1>" (the most for).
  std::string ClassOf(const AttributedWord& word) const {
    constexpr int kMiddle = kEffectLevels / 2;
    const double strength = std::clamp(StrengthOf(word), -1.0, 1.0);
    return absl::StrCat("e", kMiddle + std::lround(kMiddle * strength));
  }

  std::string ShownEffect(const AttributedWord& word) const {
    return EffectText(word.effects[attribution_.shown], attribution_.has_signs);
  }

  const std::string& Measure() const { return attribution_.measures[attribution_.shown]; }

  const Attribution& attribution_;
  const double largest_ = LargestEffect(attribution_);
  std::string out_;
};

}  // namespace

std::string RenderAttributionHtml(const Attribution& attribution) {
  return AttributionHtml(attribution).Render();
}

}  // namespace attentiond::client
