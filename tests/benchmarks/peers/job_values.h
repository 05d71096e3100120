// tests/benchmarks/peers/job_values.h -- operands of jobs: normally distributed, quick to make.
#pragma once

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/tensor/element.h"
#include "core/tensor/tensor.h"

namespace attentiond::benchmarks {

/// Standard normal values, as torch.randn makes them. The first 65,521 repeat: a prime, so that no
/// two rows of a power of two are alike.
inline Tensor NormalTensor(DType dtype, const Shape& shape, unsigned seed) {
  Tensor tensor(dtype, shape);
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  const int64_t count = shape.num_elements();
  const int64_t period = std::min<int64_t>(count, 65521);
  char* const data = static_cast<char*>(tensor.mutable_view().data);
  for (int64_t i = 0; i < period; ++i) StoreElement(data, dtype, i, normal(engine));
  const auto size = static_cast<int64_t>(ByteSize(dtype));
  for (int64_t done = period; done < count; done += period) {
    std::memcpy(data + done * size, data,
                static_cast<size_t>(std::min(period, count - done) * size));
  }
  return tensor;
}

inline absl::StatusOr<DType> ParseDType(const std::string& name) {
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    if (name == Name(dtype)) return dtype;
  }
  return absl::UnimplementedError(absl::StrCat("no ", name, " in this build"));
}

}  // namespace attentiond::benchmarks
