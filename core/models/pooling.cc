// core/models/pooling.cc -- mean and first-token pooling, cut and normalised.
#include "core/models/pooling.h"

#include <cmath>

#include "core/base/check.h"
#include "core/models/float_conversion.h"

namespace attentiond {
namespace {

void MeanOfRows(const TensorView& tokens, absl::Span<float> mean) {
  const int64_t rows = tokens.shape.dim(0);
  const int64_t width = tokens.shape.dim(1);
  std::vector<float> row(mean.size());
  for (int64_t t = 0; t < rows; ++t) {
    ToFloats(tokens, t * width, absl::MakeSpan(row));
    for (size_t c = 0; c < mean.size(); ++c) mean[c] += row[c];
  }
  for (float& value : mean) value /= static_cast<float>(rows);
}

void NormalizeL2(absl::Span<float> vector) {
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  // The floor is torch.nn.functional.normalize's: it keeps a zero vector zero.
  const auto scale = static_cast<float>(1.0 / std::max(std::sqrt(squares), 1e-12));
  for (float& value : vector) value *= scale;
}

}  // namespace

std::vector<float> Pool(const TensorView& tokens, const PoolingArgs& args) {
  ATTENTIOND_CHECK(args.pooling != Pooling::kModelDefault);
  const int64_t width = args.dimensions == 0 ? tokens.shape.dim(1) : args.dimensions;
  std::vector<float> embedding(static_cast<size_t>(width));
  if (args.pooling == Pooling::kCls) {
    ToFloats(tokens, 0, absl::MakeSpan(embedding));
  } else {
    MeanOfRows(tokens, absl::MakeSpan(embedding));
  }
  if (args.normalize) NormalizeL2(absl::MakeSpan(embedding));
  return embedding;
}

}  // namespace attentiond
