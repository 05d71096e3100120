#include "core/vision/image_processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attentiond {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ImageSize SizeAfter(const ResizeTarget& target, int64_t width, int64_t height) {
  PreprocessorConfig config;
  config.resize = target;
  const auto pixels = ImageProcessor(config).Process(RgbImage(width, height), ImageLimits());
  EXPECT_TRUE(pixels.ok()) << pixels.status();
  return pixels->size;
}

TEST(ImageProcessorTest, KeepsProportionsAsTransformersDoes) {
  const ResizeTarget short_side{.shortest_edge = 10};
  EXPECT_EQ(SizeAfter(short_side, 20, 30), (ImageSize{15, 10}));
  EXPECT_EQ(SizeAfter(short_side, 35, 20), (ImageSize{10, 17}));  // of 17.5
  EXPECT_EQ(SizeAfter(short_side, 7, 7), (ImageSize{10, 10}));
  const ResizeTarget both{.shortest_edge = 10, .longest_edge = 16};
  EXPECT_EQ(SizeAfter(both, 20, 30), (ImageSize{15, 10}));
  EXPECT_EQ(SizeAfter(both, 40, 20), (ImageSize{8, 16}));
  EXPECT_EQ(SizeAfter(both, 100, 1), (ImageSize{1, 16}));
}

TEST(ImageProcessorTest, ANarrowPictureMustNotBecomeAHugeOne) {
  PreprocessorConfig config;
  config.resize = ResizeTarget{.shortest_edge = 224};
  const auto pixels = ImageProcessor(config).Process(RgbImage(1, 2000), {.max_pixels = 1'000'000});
  EXPECT_EQ(pixels.status(),
            absl::InvalidArgumentError(
                "the picture is 1 x 2000 pixels: resized to 224 x 448000 as the model asks it "
                "would have more than the 1000000 that are allowed"));
}

TEST(ImageProcessorTest, WithoutStepsPixelsAreTheirBytes) {
  RgbImage image(2, 1);
  image.pixels = {1, 2, 3, 4, 5, 255};
  const auto pixels = ImageProcessor(PreprocessorConfig()).Process(image, ImageLimits());
  ASSERT_TRUE(pixels.ok()) << pixels.status();
  EXPECT_THAT(pixels->values, ElementsAre(1, 4, 2, 5, 3, 255));
}

TEST(ImageProcessorTest, BordersAreBlackBeforeTheyAreNormalised) {
  PreprocessorConfig config;
  config.crop = ImageSize{4, 4};
  config.normalize = PreprocessorConfig::Normalization{{2, 2, 2}, {4, 4, 4}};
  const auto pixels = ImageProcessor(config).Process(RgbImage(1, 1), ImageLimits());
  ASSERT_TRUE(pixels.ok()) << pixels.status();
  EXPECT_EQ(pixels->values.size(), 48u);
  EXPECT_THAT(pixels->values, Each(-0.5f));
}

}  // namespace
}  // namespace attentiond
