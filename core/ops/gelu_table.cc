#include "core/ops/gelu_table.h"

#include <cmath>
#include <numbers>

namespace attentiond {
namespace {

template <size_t kTerms>
using Polynomial = std::array<double, kTerms>;

// The polynomial through the Chebyshev nodes of [-width/2, width/2], which is close to the best
// there is.
template <size_t kTerms, typename Function>
Polynomial<kTerms> Interpolate(double width, Function function) {
  Polynomial<kTerms> nodes, differences;
  for (size_t i = 0; i < kTerms; ++i) {
    nodes[i] =
        width / 2 * std::cos(static_cast<double>(2 * i + 1) * std::numbers::pi / (2 * kTerms));
    differences[i] = function(nodes[i]);
  }
  for (size_t order = 1; order < kTerms; ++order) {
    for (size_t i = kTerms - 1; i >= order; --i) {
      differences[i] = (differences[i] - differences[i - 1]) / (nodes[i] - nodes[i - order]);
    }
  }
  // Newton's form, from the innermost factor: p = p (r - node) + difference.
  Polynomial<kTerms> p{};
  for (size_t i = kTerms; i-- > 0;) {
    for (size_t k = kTerms - 1; k > 0; --k) p[k] = p[k - 1] - p[k] * nodes[i];
    p[0] = differences[i] - p[0] * nodes[i];
  }
  return p;
}

template <int kTerms>
GeluTable<kTerms> Make() {
  using Table = GeluTable<kTerms>;
  Table table;
  for (size_t n = 0; n < Table::kSegments; ++n) {
    const double centre = static_cast<double>(n) * double{Table::kWidth};
    const Polynomial<kTerms> p = Interpolate<kTerms>(double{Table::kWidth}, [centre](double r) {
      return 0.5 * std::erfc((centre + r) / std::numbers::sqrt2);
    });
    for (size_t k = 0; k < kTerms; ++k) table.coefficients[k][n] = static_cast<float>(p[k]);
  }
  return table;
}

}  // namespace

template <int kNumTerms>
const GeluTable<kNumTerms>& GeluTable<kNumTerms>::Get() {
  static const GeluTable table = Make<kNumTerms>();
  return table;
}

template struct GeluTable<4>;
template struct GeluTable<5>;

}  // namespace attentiond
