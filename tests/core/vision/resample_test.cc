#include "core/vision/resample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace attentiond {
namespace {

constexpr Resampling kAll[] = {Resampling::kNearest, Resampling::kLanczos, Resampling::kBilinear,
                               Resampling::kBicubic, Resampling::kBox,     Resampling::kHamming};

// vision_golden_test compares with Pillow; these are the sizes that it does not try.
TEST(ResampleTest, OneColourStaysThatColourAtAnySize) {
  for (const Resampling filter : kAll) {
    for (const uint8_t value : std::vector<uint8_t>{0, 1, 128, 255}) {
      RgbImage image(211, 3);
      std::fill(image.pixels.begin(), image.pixels.end(), value);
      for (const auto& [width, height] :
           {std::pair(1, 1), {7, 300}, {1000, 1}, {211, 2}, {210, 3}}) {
        const RgbImage resized = Resize(image, width, height, filter);
        EXPECT_EQ(resized.width, width);
        EXPECT_EQ(resized.height, height);
        EXPECT_TRUE(std::all_of(resized.pixels.begin(), resized.pixels.end(),
                                [&](uint8_t byte) { return byte == value; }))
            << static_cast<int>(filter) << " to " << width << " x " << height;
      }
    }
  }
}

TEST(ResampleTest, HalvingWithABoxIsTheMean) {
  RgbImage image(4, 2);
  for (size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<uint8_t>(9 * i);
  const RgbImage half = Resize(image, 2, 1, Resampling::kBox);
  for (size_t x = 0; x < 2; ++x) {
    for (size_t c = 0; c < 3; ++c) {
      // Rounded after the rows, and again after the columns: at most one more than the mean.
      const int sum = image.pixels[6 * x + c] + image.pixels[6 * x + 3 + c] +
                      image.pixels[12 + 6 * x + c] + image.pixels[12 + 6 * x + 3 + c];
      EXPECT_NEAR(half.pixels[3 * x + c], sum / 4.0, 1) << x << ", " << c;
    }
  }
}

}  // namespace
}  // namespace attentiond
