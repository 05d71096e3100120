#include "client/render/heat_map.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace attentiond::client {

double LargestWeight(const HeatMap& map) {
  double largest = 0.01;  // a map of zeros stays pale, and nothing is divided by zero
  for (const float weight : map.weights) largest = std::max(largest, static_cast<double>(weight));
  return largest;
}

std::string Percent(double weight) {
  if (weight > 0 && weight < 0.005) return "<1";
  return absl::StrCat(std::lround(100 * weight));
}

}  // namespace attentiond::client
