// core/tensor/element.h -- one floating-point element of any storage type.
#pragma once

#include <cstdint>
#include <cstring>

#include "core/base/check.h"
#include "core/tensor/dtype.h"
#include "core/tensor/half.h"

namespace attentiond {
namespace element_internal {

template <typename T>
T Load(const void* data, int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const char*>(data) + index * int64_t{sizeof(T)}, sizeof(T));
  return value;
}

template <typename T>
void Store(void* data, int64_t index, T value) {
  std::memcpy(static_cast<char*>(data) + index * int64_t{sizeof(T)}, &value, sizeof(T));
}

}  // namespace element_internal

/// Element `index` of `data`; `dtype` is kF32, kBF16 or kF16. `data` need not be aligned.
inline float LoadElement(const void* data, DType dtype, int64_t index) {
  if (dtype == DType::kF32) return element_internal::Load<float>(data, index);
  if (dtype == DType::kBF16) return ToFloat(element_internal::Load<BFloat16>(data, index));
  ATTENTIOND_CHECK(dtype == DType::kF16);
  return ToFloat(element_internal::Load<Float16>(data, index));
}

/// Stores `value` rounded to `dtype` (kF32, kBF16 or kF16) at element `index` of `data`.
inline void StoreElement(void* data, DType dtype, int64_t index, float value) {
  if (dtype == DType::kF32) return element_internal::Store(data, index, value);
  if (dtype == DType::kBF16) return element_internal::Store(data, index, ToBFloat16(value));
  ATTENTIOND_CHECK(dtype == DType::kF16);
  element_internal::Store(data, index, ToFloat16(value));
}

}  // namespace attentiond
