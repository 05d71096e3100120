#include "core/models/seq2seq/sinusoids.h"

#include <algorithm>
#include <cmath>

namespace attentiond {
namespace {

/// Of sine and cosine number `index` of the table's width, as the models were trained with them:
/// in double, or in f32.
double Angle(PositionTable kind, int64_t position, int64_t index, int64_t width) {
  if (kind == PositionTable::kSinusoids) {
    return static_cast<double>(position) /
           std::pow(10000.0, static_cast<double>(2 * index) / static_cast<double>(width));
  }
  const auto steps = static_cast<double>(width / 2 - 1);
  const auto step = static_cast<float>(std::log(10000.0) / steps);
  return static_cast<float>(position) * std::exp(static_cast<float>(index) * -step);
}

}  // namespace

Tensor MakeSinusoids(PositionTable kind, int64_t rows, int64_t width, int64_t padding_id) {
  Tensor table(DType::kF32, Shape{rows, width});
  const absl::Span<float> values = table.values<float>();
  std::fill(values.begin(), values.end(), 0.0f);
  const bool padded = kind == PositionTable::kSinusoidsWithPadding;
  // The first half has one more when the width is odd, but with padding the last channel is 0.
  const int64_t cosines = width / 2, sines = padded ? cosines : width - cosines;
  for (int64_t row = 0; row < rows; ++row) {
    if (padded && row == padding_id) continue;
    float* const at = values.data() + row * width;
    for (int64_t i = 0; i < sines; ++i) {
      at[i] = static_cast<float>(std::sin(Angle(kind, row, i, width)));
    }
    for (int64_t i = 0; i < cosines; ++i) {
      at[sines + i] = static_cast<float>(std::cos(Angle(kind, row, i, width)));
    }
  }
  return table;
}

}  // namespace attentiond
