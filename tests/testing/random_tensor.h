// tests/testing/random_tensor.h -- tensors of seeded random values, and their values as floats.
#pragma once

#include <random>
#include <vector>

#include "core/tensor/element.h"
#include "core/tensor/tensor.h"

namespace attentiond::testing {

/// Uniform in [-magnitude, magnitude), rounded to `dtype` (f32, bf16 or f16). The same seed gives
/// the same values.
inline Tensor RandomTensor(DType dtype, const Shape& shape, unsigned seed, float magnitude = 1) {
  Tensor tensor(dtype, shape);
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> uniform(-magnitude, magnitude);
  for (int64_t i = 0; i < shape.num_elements(); ++i) {
    StoreElement(tensor.mutable_view().data, dtype, i, uniform(engine));
  }
  return tensor;
}

/// The elements of a tensor of f32, bf16 or f16.
inline std::vector<float> ToFloats(const TensorView& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.num_elements()));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = LoadElement(tensor.data, tensor.dtype, static_cast<int64_t>(i));
  }
  return values;
}

}  // namespace attentiond::testing
