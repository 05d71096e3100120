#include "core/ops/gelu_table.h"

#include <cmath>
#include <numbers>

namespace attentiond {
namespace {

constexpr size_t kTerms = GeluTable::kTerms;
using Polynomial = std::array<double, kTerms>;

// The polynomial through the Chebyshev nodes of [-1/2, 1/2], which is close to the best there is.
template <typename Function>
Polynomial Interpolate(Function function) {
  Polynomial nodes, differences;
  for (size_t i = 0; i < kTerms; ++i) {
    nodes[i] = 0.5 * std::cos(static_cast<double>(2 * i + 1) * std::numbers::pi / (2 * kTerms));
    differences[i] = function(nodes[i]);
  }
  for (size_t order = 1; order < kTerms; ++order) {
    for (size_t i = kTerms - 1; i >= order; --i) {
      differences[i] = (differences[i] - differences[i - 1]) / (nodes[i] - nodes[i - order]);
    }
  }
  // Newton's form, from the innermost factor: p = p (r - node) + difference.
  Polynomial p{};
  for (size_t i = kTerms; i-- > 0;) {
    for (size_t k = kTerms - 1; k > 0; --k) p[k] = p[k - 1] - p[k] * nodes[i];
    p[0] = differences[i] - p[0] * nodes[i];
  }
  return p;
}

GeluTable Make() {
  GeluTable table;
  for (size_t n = 0; n < GeluTable::kSegments; ++n) {
    const Polynomial p = Interpolate([n](double r) {
      return 0.5 * std::erfc((static_cast<double>(n) + r) * double{GeluTable::kWidth} /
                             std::numbers::sqrt2);
    });
    for (size_t k = 0; k < kTerms; ++k) table.coefficients[k][n] = static_cast<float>(p[k]);
  }
  return table;
}

}  // namespace

const GeluTable& GeluTable::Get() {
  static const GeluTable table = Make();
  return table;
}

}  // namespace attentiond
