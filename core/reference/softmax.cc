#include "core/reference/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace attentiond::reference {

void Softmax(absl::Span<float> row) {
  constexpr float kMasked = -std::numeric_limits<float>::infinity();
  float max = kMasked;
  for (const float x : row) max = std::max(max, x);
  if (max == kMasked) {
    std::fill(row.begin(), row.end(), 0.0f);
    return;
  }
  double sum = 0;
  for (const float x : row) sum += std::exp(double{x} - double{max});
  for (float& x : row) x = static_cast<float>(std::exp(double{x} - double{max}) / sum);
}

}  // namespace attentiond::reference
