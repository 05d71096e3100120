#include "core/vision/exif_orientation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace attentiond {
namespace {

using ::testing::ElementsAre;

/// A directory of one entry.
std::string Tiff(char tag_low, char type, char count, absl::string_view value) {
  std::string tiff("II*\0\x08\0\0\0\1\0", 10);
  tiff.append({tag_low, 1, type, 0, count, 0, 0, 0});
  return tiff.append(value.data(), value.size());
}

TEST(ExifOrientationTest, ReadsTheEntry) {
  EXPECT_EQ(ParseExifOrientation(Tiff(0x12, 3, 1, {"\6\0\0\0", 4})), 6);
  EXPECT_EQ(ParseExifOrientation(Tiff(0x12, 4, 1, {"\3\0\0\0", 4})), 3);
  EXPECT_EQ(ParseExifOrientation({"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\5", 20}), 5);
}

TEST(ExifOrientationTest, AnythingElseIsUpright) {
  EXPECT_EQ(ParseExifOrientation(""), 1);
  EXPECT_EQ(ParseExifOrientation("II"), 1);
  EXPECT_EQ(ParseExifOrientation("JUNK"), 1);
  EXPECT_EQ(ParseExifOrientation(Tiff(0x13, 3, 1, {"\6\0\0\0", 4})), 1);  // another tag
  EXPECT_EQ(ParseExifOrientation(Tiff(0x12, 2, 1, {"\6\0\0\0", 4})), 1);  // text
  EXPECT_EQ(ParseExifOrientation(Tiff(0x12, 3, 2, {"\6\0\6\0", 4})), 1);  // two values
  EXPECT_EQ(ParseExifOrientation(Tiff(0x12, 3, 1, {"\x09\0\0\0", 4})), 1);
  EXPECT_EQ(ParseExifOrientation(Tiff(0x12, 3, 1, {"\0\0\0\0", 4})), 1);
  EXPECT_EQ(ParseExifOrientation(Tiff(0x12, 3, 1, "")), 1);  // it ends before its value
}

/// The first channel of 2 x 3 pixels 1 to 6, turned; as it is read, row by row.
std::vector<int> Turned(int orientation, int64_t width) {
  RgbImage image(2, 3);
  for (size_t i = 0; i < 6; ++i) image.pixels[3 * i] = static_cast<uint8_t>(i + 1);
  const RgbImage upright = Upright(image, orientation);
  EXPECT_EQ(upright.width, width);
  std::vector<int> values;
  for (size_t i = 0; i < 6; ++i) values.push_back(upright.pixels[3 * i]);
  return values;
}

TEST(ExifOrientationTest, TurnsAndMirrors) {
  EXPECT_THAT(Turned(1, 2), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(Turned(2, 2), ElementsAre(2, 1, 4, 3, 6, 5));
  EXPECT_THAT(Turned(3, 2), ElementsAre(6, 5, 4, 3, 2, 1));
  EXPECT_THAT(Turned(4, 2), ElementsAre(5, 6, 3, 4, 1, 2));
  EXPECT_THAT(Turned(5, 3), ElementsAre(1, 3, 5, 2, 4, 6));
  EXPECT_THAT(Turned(6, 3), ElementsAre(5, 3, 1, 6, 4, 2));
  EXPECT_THAT(Turned(7, 3), ElementsAre(6, 4, 2, 5, 3, 1));
  EXPECT_THAT(Turned(8, 3), ElementsAre(2, 4, 6, 1, 3, 5));
}

}  // namespace
}  // namespace attentiond
