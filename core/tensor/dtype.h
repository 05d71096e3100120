// core/tensor/dtype.h -- element types.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace attentiond {

enum class DType : uint8_t {
  kBool,  ///< one byte, 0 or 1
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kU64,
  kI64,
  kF16,   ///< IEEE 754 binary16
  kBF16,  ///< the upper half of a binary32
  kF32,
  kF64,
};

/// Bytes of one element.
constexpr size_t ByteSize(DType dtype) {
  switch (dtype) {
    case DType::kBool:
    case DType::kU8:
    case DType::kI8:
      return 1;
    case DType::kU16:
    case DType::kI16:
    case DType::kF16:
    case DType::kBF16:
      return 2;
    case DType::kU32:
    case DType::kI32:
    case DType::kF32:
      return 4;
    case DType::kU64:
    case DType::kI64:
    case DType::kF64:
      return 8;
  }
  return 0;
}

constexpr bool IsFloating(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16 || dtype == DType::kF32 ||
         dtype == DType::kF64;
}

/// "f32", "bf16", "i64", ...: how messages, logs and flags spell it.
absl::string_view Name(DType dtype);

}  // namespace attentiond
