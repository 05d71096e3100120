#include "core/reference/quantized_linear.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace attentiond::reference {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(QuantizeTest, TheLargestBecomes127) {
  const QuantizedRow row = Quantize({-254, 127, 0, 2, -1});
  EXPECT_EQ(row.scale, 2);
  // 127 / 2 is a tie, and 64 even; -1 / 2 is one too, and 0 even.
  EXPECT_THAT(row.values, ElementsAre(-127, 64, 0, 1, 0));
}

TEST(QuantizeTest, EveryMagnitudeKeepsItsDigits) {
  for (const float scale : {kSmallestQuantized, 1e-20f, 1.0f, 1e20f, 2.6e36f}) {
    const QuantizedRow row = Quantize({127 * scale, -100 * scale, 3 * scale});
    EXPECT_NEAR(row.scale / scale, 1, 1e-6);
    EXPECT_THAT(row.values, ElementsAre(127, -100, 3)) << scale;
  }
}

TEST(QuantizeTest, WhatIsNearlyZeroIsZero) {
  for (const float tiny : {0.0f, -0.0f, 1e-45f, 0x0.fp-100f}) {
    const QuantizedRow row = Quantize({tiny, -tiny});
    EXPECT_EQ(row.scale, 0);
    EXPECT_THAT(row.values, ElementsAre(0, 0));
  }
  EXPECT_THAT(Quantize({}).values, ElementsAre());
}

TEST(QuantizeTest, WhatIsNotFiniteIsNotANumber) {
  for (const QuantizedRow& row : {Quantize({1, kInfinity, 2}), Quantize({kNaN, 1, 2}),
                                  Quantize({1, 2, -kInfinity}), Quantize({3, kNaN, kInfinity})}) {
    EXPECT_TRUE(std::isnan(row.scale));
    EXPECT_THAT(row.values, Each(0));
  }
}

TEST(QuantizedLinearTest, ComputesByHand) {
  const std::vector<float> bias = {10, 20};
  const QuantizedLinearLayer layer{{{{127, 0}, 0.5f}, {{-2, 3}, 2}}, bias, Activation::kRelu};
  const QuantizedRow x{{2, 1}, 0.25f};
  std::vector<float> y(2);
  // 254 * 0.25 * 0.5 + 10 = 41.75; (-4 + 3) * 0.25 * 2 + 20 = 19.5.
  QuantizedLinear(layer, x, {}, absl::MakeSpan(y));
  EXPECT_THAT(y, ElementsAre(41.75f, 19.5f));
  QuantizedLinear(layer, x, std::vector<float>{-1, 0.5f}, absl::MakeSpan(y));
  EXPECT_THAT(y, ElementsAre(40.75f, 20));
  const std::vector<float> very_negative = {-100, 0};
  QuantizedLinear({layer.weight, very_negative, Activation::kRelu}, x, {}, absl::MakeSpan(y));
  EXPECT_THAT(y, ElementsAre(0, 0));
}

TEST(QuantizedLinearTest, ARowThatIsNotFiniteMakesNothingFinite) {
  std::vector<float> y(1);
  QuantizedLinear({{Quantize({1, 2})}}, Quantize({kInfinity, 0}), {}, absl::MakeSpan(y));
  EXPECT_TRUE(std::isnan(y[0]));
}

}  // namespace
}  // namespace attentiond::reference
