#include "core/models/float_conversion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "core/tensor/element.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;

TEST(FloatConversionTest, ReadsEveryTypeFromAnyAddress) {
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBF16}) {
    std::array<char, 32> storage;
    char* unaligned = storage.data() + 1;
    for (int64_t i = 0; i < 4; ++i) {
      StoreElement(unaligned, dtype, i, static_cast<float>(i) - 1.5f);
    }
    std::array<float, 3> read;
    ToFloats({unaligned, dtype, Shape{4}}, 1, absl::MakeSpan(read));
    EXPECT_THAT(read, ElementsAre(-0.5f, 0.5f, 1.5f)) << Name(dtype);
  }
}

TEST(FloatConversionTest, ReadsNothingFromNowhere) {
  ToFloats({nullptr, DType::kF32, Shape{0}}, 0, {});
}

TEST(FloatConversionTest, RoundsToTheNearestBFloat16) {
  const float values[] = {1.0f, 1.0f + 1.0f / 512, 1.0f + 1.0f / 256};
  std::array<BFloat16, 3> rounded;
  ToBFloat16s(values, rounded.data());
  EXPECT_EQ(ToFloat(rounded[0]), 1.0f);
  EXPECT_EQ(ToFloat(rounded[1]), 1.0f);
  EXPECT_EQ(ToFloat(rounded[2]), 1.0f);  // halfway, to the even one below
}

}  // namespace
}  // namespace attentiond
