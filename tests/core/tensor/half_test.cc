#include "core/tensor/half.h"

#include <gtest/gtest.h>
#include <immintrin.h>

#include <cmath>
#include <limits>

namespace attentiond {
namespace {

// Every binary16 value is a binary32 value, so there and back must be the identity.
TEST(HalfTest, Float16RoundTripsEveryValue) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const Float16 half{static_cast<uint16_t>(bits)};
    const float value = ToFloat(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(ToFloat(ToFloat16(value))));
    } else {
      ASSERT_EQ(ToFloat16(value).bits, half.bits) << value;
    }
  }
}

/// The processor's own conversion, rounding to nearest even.
__attribute__((target("f16c"))) uint16_t ConvertByProcessor(float value) {
  return _cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT);
}

TEST(HalfTest, Float16RoundsToNearestEvenAsTheProcessorDoes) {
  // Every x86-64 processor with AVX2 has F16C, which not every compiler can ask for by its name.
  if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "the processor has no such conversion";
  // The sweep covers every exponent.
  for (uint64_t step = 0; step <= 0xffffffffu; step += 9973) {
    const float value = std::bit_cast<float>(static_cast<uint32_t>(step));
    if (std::isnan(value)) continue;
    ASSERT_EQ(ToFloat16(value).bits, ConvertByProcessor(value)) << value;
  }
}

TEST(HalfTest, BFloat16RoundsToNearestEven) {
  EXPECT_EQ(ToBFloat16(1.0f).bits, 0x3f80);
  EXPECT_EQ(ToBFloat16(1.00390625f).bits, 0x3f80);  // halfway, even below
  EXPECT_EQ(ToBFloat16(1.01171875f).bits, 0x3f82);  // halfway, even above
  EXPECT_EQ(ToBFloat16(std::numeric_limits<float>::infinity()).bits, 0x7f80);
  EXPECT_TRUE(std::isnan(ToFloat(ToBFloat16(std::numeric_limits<float>::quiet_NaN()))));
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const BFloat16 value{static_cast<uint16_t>(bits)};
    if (std::isnan(ToFloat(value))) continue;
    ASSERT_EQ(ToBFloat16(ToFloat(value)).bits, value.bits);
  }
}

}  // namespace
}  // namespace attentiond
