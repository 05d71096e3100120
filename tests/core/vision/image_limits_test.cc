#include "core/vision/image_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attentiond {
namespace {

using ::testing::HasSubstr;

TEST(ImageLimitsTest, AFileMayHaveTheMostBytesAndNoMore) {
  const ImageLimits limits{.max_bytes = 100};
  EXPECT_TRUE(CheckFileSize(100, limits).ok());
  EXPECT_EQ(CheckFileSize(101, limits),
            absl::InvalidArgumentError("the file has 101 bytes, at most 100 are allowed"));
}

TEST(ImageLimitsTest, SidesAndPixelsAreBounded) {
  const ImageLimits limits{.max_pixels = 1000};
  EXPECT_TRUE(CheckPictureSize("PNG", 10, 100, 1, limits).ok());
  EXPECT_EQ(CheckPictureSize("PNG", 11, 100, 1, limits),
            absl::InvalidArgumentError(
                "the PNG picture is 11 x 100 pixels, at most 1000 in all are allowed"));
  EXPECT_EQ(
      CheckPictureSize("JPEG", 0, 5, 1, limits),
      absl::InvalidArgumentError("the JPEG picture is 0 x 5 pixels, 1 to 65500 each are required"));
  const ImageLimits wide{.max_pixels = 1 << 20};
  EXPECT_TRUE(CheckPictureSize("PNG", kMaxImageSide, 1, 1, wide).ok());
  EXPECT_THAT(CheckPictureSize("PNG", kMaxImageSide + 1, 1, 1, wide).message(),
              HasSubstr("65501 x 1 pixels, 1 to 65500"));
  EXPECT_FALSE(CheckPictureSize("PNG", 1, int64_t{1} << 32, 1, wide).ok());
}

TEST(ImageLimitsTest, LargePicturesInSmallFilesAreBombs) {
  const ImageLimits limits;
  // 48,000,000 bytes decoded.
  EXPECT_TRUE(CheckPictureSize("PNG", 4000, 4000, 96000, limits).ok());
  EXPECT_THAT(
      CheckPictureSize("PNG", 4000, 4000, 95999, limits).message(),
      HasSubstr("4000 x 4000 pixels in a file of 95999 bytes: that is more than 500 times"));
  // A small one may be all of one colour.
  EXPECT_TRUE(CheckPictureSize("PNG", 3000, 3000, 100, limits).ok());
}

}  // namespace
}  // namespace attentiond
