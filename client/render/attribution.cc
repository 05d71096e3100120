#include "client/render/attribution.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace attentiond::client {

double LargestEffect(const Attribution& attribution) {
  double largest = 0.001;  // effects of nothing stay pale, and nothing is divided by zero
  for (const AttributedWord& word : attribution.words) {
    if (!word.effects.empty())
      largest = std::max(largest, std::abs(word.effects[attribution.shown]));
  }
  return largest;
}

std::string EffectText(double effect, bool has_signs) {
  const bool is_nothing = std::abs(effect) < 0.0005;
  if (is_nothing) return "0.000";
  return has_signs ? absl::StrFormat("%+.3f", effect) : absl::StrFormat("%.3f", effect);
}

}  // namespace attentiond::client
