// core/tensor/half.h -- 16-bit floating point: storage types and conversion to and from float.
#pragma once

#include <bit>
#include <cstdint>

namespace attentiond {

/// bfloat16: the upper half of a binary32.
struct BFloat16 {
  uint16_t bits = 0;
};

/// IEEE 754 binary16.
struct Float16 {
  uint16_t bits = 0;
};

constexpr float ToFloat(BFloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}

/// Round to nearest, ties to even; a NaN stays a (quiet) NaN.
constexpr BFloat16 ToBFloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return BFloat16{static_cast<uint16_t>((bits >> 16) | 0x40u)};
  }
  return BFloat16{static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

float ToFloat(Float16 value);
/// Round to nearest, ties to even; too large becomes infinity.
Float16 ToFloat16(float value);

}  // namespace attentiond
