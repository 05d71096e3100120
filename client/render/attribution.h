// client/render/attribution.h -- what leaving out each word of a text does to a result: the text
// with coloured words, for the terminal and as part of a web page.
//
// All texts may come from anywhere: each renderer escapes them for its medium. Signs are there
// without colour too.
#pragma once

#include <string>
#include <vector>

#include "client/render/terminal_style.h"

namespace attentiond::client {

struct AttributedWord {
  std::string gap;  ///< what stands between the word before and this one
  std::string text;
  /// One for each of Attribution::measures: the result with the word minus that without it. Empty:
  /// not known, nothing is left without the word.
  std::vector<double> effects;
};

struct Attribution {
  std::string result;                 ///< what the words do something to: "POSITIVE 0.983"
  std::string explanation;            ///< a sentence on what the numbers are
  std::vector<std::string> measures;  ///< "score", "logit"; at least one
  size_t shown = 0;                   ///< the measure that the colours are of
  bool has_signs = true;              ///< effects below zero may occur
  std::vector<AttributedWord> words;
  std::string tail;  ///< what stands after the last word
};

/// The effect that the deepest colours stand for: the largest magnitude of the measure shown, at
/// least a thousandth.
double LargestEffect(const Attribution& attribution);

/// "+0.125"; "0.000" for what rounds to nothing; without a sign where there are none.
std::string EffectText(double effect, bool has_signs);

/// The text with coloured words, where the style has colours, and a line for each word: its
/// effects, and a bar of '+' or '-'.
std::string RenderAttributionTerminal(const Attribution& attribution, const TerminalStyle& style);

/// A section of a page that has the style sheet of heat_map_html_assets.h: the text, each word
/// coloured and with its effect below it, and all numbers as a table.
std::string RenderAttributionHtml(const Attribution& attribution);

}  // namespace attentiond::client
