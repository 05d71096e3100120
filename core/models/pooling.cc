// core/models/pooling.cc -- sums, means and maxima over tokens.
#include "core/models/pooling.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/models/float_conversion.h"

namespace attentiond {
namespace {

// sum of weight(t) * hidden[t], and that of the weights
template <typename Weight>
float SumOfTokens(const TensorView& hidden, int64_t begin, int64_t end, Weight weight,
                  absl::Span<float> sum) {
  const int64_t width = hidden.shape.dim(1);
  std::vector<float> row(sum.size());
  std::fill(sum.begin(), sum.end(), 0.0f);
  float weights = 0;
  for (int64_t token = begin; token < end; ++token) {
    ToFloats(hidden, token * width, absl::MakeSpan(row));
    const float w = weight(token - begin);
    for (size_t c = 0; c < sum.size(); ++c) sum[c] += w * row[c];
    weights += w;
  }
  return weights;
}

void Divide(absl::Span<float> values, float divisor) {
  for (float& value : values) value /= divisor;
}

void MaxOfTokens(const TensorView& hidden, int64_t begin, int64_t end, absl::Span<float> most) {
  const int64_t width = hidden.shape.dim(1);
  std::vector<float> row(most.size());
  std::fill(most.begin(), most.end(), -std::numeric_limits<float>::infinity());
  for (int64_t token = begin; token < end; ++token) {
    ToFloats(hidden, token * width, absl::MakeSpan(row));
    for (size_t c = 0; c < most.size(); ++c) most[c] = std::max(most[c], row[c]);
  }
}

void PoolOne(const TensorView& hidden, int64_t begin, int64_t end, PoolingMode mode,
             absl::Span<float> pooled) {
  const auto one = [](int64_t) { return 1.0f; };
  switch (mode) {
    case PoolingMode::kCls:
      return MeanOfTokens(hidden, begin, begin + 1, pooled);
    case PoolingMode::kLast:
      return MeanOfTokens(hidden, end - 1, end, pooled);
    case PoolingMode::kMean:
      return MeanOfTokens(hidden, begin, end, pooled);
    case PoolingMode::kMax:
      return MaxOfTokens(hidden, begin, end, pooled);
    case PoolingMode::kMeanSqrtLength:
      return Divide(pooled, std::sqrt(SumOfTokens(hidden, begin, end, one, pooled)));
    case PoolingMode::kWeightedMean:
      return Divide(pooled,
                    SumOfTokens(
                        hidden, begin, end,
                        [](int64_t token) { return static_cast<float>(token + 1); }, pooled));
  }
}

}  // namespace

void MeanOfTokens(const TensorView& hidden, int64_t begin, int64_t end, absl::Span<float> mean) {
  if (end - begin == 1) return ToFloats(hidden, begin * hidden.shape.dim(1), mean);
  Divide(mean, SumOfTokens(
                   hidden, begin, end, [](int64_t) { return 1.0f; }, mean));
}

std::vector<float> Pool(const TensorView& hidden, int64_t begin, int64_t end,
                        absl::Span<const PoolingMode> modes) {
  const auto width = static_cast<size_t>(hidden.shape.dim(1));
  std::vector<float> pooled(modes.size() * width);
  for (size_t i = 0; i < modes.size(); ++i) {
    PoolOne(hidden, begin, end, modes[i], absl::MakeSpan(pooled).subspan(i * width, width));
  }
  return pooled;
}

void NormalizeL2(absl::Span<float> vector) {
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  // The floor is torch.nn.functional.normalize's: it keeps a zero vector zero.
  const auto scale = static_cast<float>(1.0 / std::max(std::sqrt(squares), 1e-12));
  for (float& value : vector) value *= scale;
}

}  // namespace attentiond
