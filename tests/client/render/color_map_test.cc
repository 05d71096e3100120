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

TEST(EffectColorTest, GetsSteadilyStrongerToBothSides) {
  for (const double sign : {-1.0, 1.0}) {
    double light = ContrastRatio(EffectColor(0), kBlack);
    double dim = ContrastRatio(EffectColorOnDark(0), kBlack);
    for (int step = 1; step <= 100; ++step) {
      const double value = sign * step / 100.0;
      EXPECT_LT(ContrastRatio(EffectColor(value), kBlack), light) << value;
      EXPECT_GT(ContrastRatio(EffectColorOnDark(value), kBlack), dim) << value;
      light = ContrastRatio(EffectColor(value), kBlack);
      dim = ContrastRatio(EffectColorOnDark(value), kBlack);
    }
  }
}

TEST(EffectColorTest, TellsTheSignsApartByBlueAndRed) {
  for (int step = 10; step <= 100; ++step) {
    const double value = step / 100.0;
    EXPECT_GT(EffectColor(value).blue, EffectColor(value).red) << value;
    EXPECT_LT(EffectColor(-value).blue, EffectColor(-value).red) << value;
    EXPECT_GT(EffectColorOnDark(value).blue, EffectColorOnDark(value).red) << value;
  }
}

TEST(EffectColorTest, ClampsNonsense) {
  EXPECT_EQ(EffectColor(-2), EffectColor(-1));
  EXPECT_EQ(EffectColor(2), EffectColor(1));
  EXPECT_EQ(EffectColor(std::numeric_limits<double>::quiet_NaN()), EffectColor(0));
}

TEST(TextColorTest, IsReadableEverywhere) {
  for (int step = 0; step <= 100; ++step) {
    const Rgb background = HeatColor(step / 100.0);
    // WCAG 2.1 level AA asks 4.5 for small text.
    EXPECT_GE(ContrastRatio(background, TextColorOn(background)), 4.5) << step;
    for (const double value : {step / 100.0, -step / 100.0}) {
      EXPECT_GE(ContrastRatio(EffectColor(value), TextColorOn(EffectColor(value))), 4.5) << value;
      const Rgb on_dark = EffectColorOnDark(value);
      EXPECT_GE(ContrastRatio(on_dark, TextColorOn(on_dark)), 4.5) << value;
    }
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
