#include "client/render/color_map.h"

#include <gtest/gtest.h>

#include <limits>

namespace attentiond::client {
namespace {

constexpr Rgb kBlack{0, 0, 0}, kWhite{255, 255, 255};

TEST(HeatColorTest, GetsSteadilyDarker) {
  double last = ContrastRatio(HeatColor(0), kBlack);
  for (int step = 1; step <= 100; ++step) {
    const double contrast = ContrastRatio(HeatColor(step / 100.0), kBlack);
    EXPECT_LT(contrast, last) << step;
    last = contrast;
  }
}

TEST(HeatColorTest, ClampsNonsense) {
  EXPECT_EQ(HeatColor(-1), HeatColor(0));
  EXPECT_EQ(HeatColor(2), HeatColor(1));
  EXPECT_EQ(HeatColor(std::numeric_limits<double>::quiet_NaN()), HeatColor(0));
}

TEST(TextColorTest, IsReadableEverywhere) {
  for (int step = 0; step <= 100; ++step) {
    const Rgb background = HeatColor(step / 100.0);
    // WCAG 2.1 level AA asks 4.5 for small text.
    EXPECT_GE(ContrastRatio(background, TextColorOn(background)), 4.5) << step;
  }
}

TEST(ContrastRatioTest, KnownValues) {
  EXPECT_NEAR(ContrastRatio(kBlack, kWhite), 21, 1e-9);
  EXPECT_EQ(ContrastRatio(kWhite, kWhite), 1);
}

TEST(HexColorTest, TwoDigitsEach) { EXPECT_EQ(HexColor({0, 10, 255}), "#000aff"); }

TEST(NearestAnsi256Test, CubeAndGreys) {
  EXPECT_EQ(NearestAnsi256(kBlack), 16);
  EXPECT_EQ(NearestAnsi256(kWhite), 231);
  EXPECT_EQ(NearestAnsi256({255, 0, 0}), 196);
  EXPECT_EQ(NearestAnsi256({95, 135, 175}), 67);
  EXPECT_EQ(NearestAnsi256({128, 128, 128}), 244);
  EXPECT_EQ(NearestAnsi256({9, 9, 9}), 232);
}

}  // namespace
}  // namespace attentiond::client
