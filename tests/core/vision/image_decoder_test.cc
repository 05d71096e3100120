#include "core/vision/image_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "core/weights/regular_file.h"
#include "tests/testing/png_file.h"

namespace attentiond {
namespace {

using ::attentiond::testing::BigEndian32;
using ::attentiond::testing::Deflated;
using ::attentiond::testing::GreyPng;
using ::attentiond::testing::PngChunk;
using ::attentiond::testing::PngHeader;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string GoldenFile(const std::string& name) {
  const auto file = RegularFile::Open(ATTENTIOND_SOURCE_DIR "/tests/golden/images/files/" + name);
  EXPECT_TRUE(file.ok()) << file.status();
  return *file->ReadAll();
}

std::string ErrorOf(absl::string_view file, const ImageLimits& limits = {}) {
  const auto image = DecodeImage(file, limits);
  EXPECT_EQ(image.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(image.status().message(), ::testing::Not(HasSubstr("\n")));
  return std::string(image.status().message());
}

TEST(ImageDecoderTest, SaysWhatOtherFilesAre) {
  constexpr char kRequired[] = " was found, a PNG or JPEG file is required";
  EXPECT_EQ(ErrorOf(""), absl::StrCat("an empty file", kRequired));
  EXPECT_EQ(ErrorOf("GIF89a..."), absl::StrCat("a GIF file", kRequired));
  EXPECT_EQ(ErrorOf("BM......"), absl::StrCat("a BMP file", kRequired));
  EXPECT_EQ(ErrorOf("RIFF\1\2\3\4WEBPVP8 "), absl::StrCat("a WebP file", kRequired));
  EXPECT_EQ(ErrorOf(absl::string_view("MM\0*", 4)), absl::StrCat("a TIFF file", kRequired));
  EXPECT_EQ(ErrorOf(absl::string_view("\0\0\0\x20"
                                      "ftypavif",
                                      12)),
            absl::StrCat("an AVIF or HEIF file", kRequired));
  EXPECT_EQ(ErrorOf("%PDF-1.7"), absl::StrCat("a PDF file", kRequired));
  EXPECT_EQ(ErrorOf("hello"),
            absl::StrCat("a file that begins with the bytes 68656c6c6f", kRequired));
}

TEST(ImageDecoderTest, ChecksLimitsBeforeItDecodes) {
  EXPECT_EQ(ErrorOf(std::string(101, 'x'), {.max_bytes = 100}),
            "the file has 101 bytes, at most 100 are allowed");
  // Headers alone: that they are followed by nothing would be found next.
  EXPECT_EQ(ErrorOf(PngHeader(0, 0, 8, 0)),
            "the PNG picture is 0 x 0 pixels, 1 to 65500 each are required");
  EXPECT_EQ(ErrorOf(PngHeader(30000, 30000, 8, 2)),
            "the PNG picture is 30000 x 30000 pixels, at most 67108864 in all are allowed");
  EXPECT_THAT(ErrorOf(PngHeader(0xffffffff, 0xffffffff, 8, 2)), HasSubstr("4294967295 x"));
  EXPECT_THAT(ErrorOf(PngHeader(8000, 8000, 8, 2)), HasSubstr("more than 500 times larger"));
  const std::string jpeg = GoldenFile("jpeg-444.jpg");
  EXPECT_EQ(ErrorOf(jpeg, {.max_pixels = 850}),
            "the JPEG picture is 37 x 23 pixels, at most 850 in all are allowed");
}

/// The JPEG file with the sizes that its frame says changed.
std::string WithJpegSize(std::string file, char high, char low) {
  const size_t frame = file.find("\xff\xc0");
  for (const size_t at : {frame + 5, frame + 7}) {
    file[at] = high;
    file[at + 1] = low;
  }
  return file;
}

TEST(ImageDecoderTest, ChecksTheSizeOfAJpegBeforeItDecodes) {
  const std::string file = GoldenFile("jpeg-444.jpg");
  EXPECT_THAT(ErrorOf(WithJpegSize(file, 0x75, 0x30)), HasSubstr("30000 x 30000 pixels, at most"));
  EXPECT_THAT(ErrorOf(WithJpegSize(file, 0, 0)), HasSubstr("the JPEG file is broken: "));
  EXPECT_THAT(ErrorOf(WithJpegSize(file, '\xff', '\xff')), HasSubstr("the JPEG file is broken: "));
  // 5000 x 5000, in a file of a kilobyte.
  EXPECT_THAT(ErrorOf(WithJpegSize(file, 0x13, '\x88')), HasSubstr("more than 500 times larger"));
}

TEST(ImageDecoderTest, TruncatedFilesAreErrorsWhereverTheyEnd) {
  for (const char* name : {"rgb8.png", "palette4-interlaced.png", "jpeg-420.jpg",
                           "jpeg-420-progressive.jpg", "jpeg-cmyk.jpg", "jpeg-exif6.jpg"}) {
    const std::string file = GoldenFile(name);
    for (size_t size = 0; size < file.size(); ++size) {
      // Of that very size, so that a sanitizer sees its end.
      const std::vector<char> part(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(ErrorOf({part.data(), part.size()}).empty()) << name << " to " << size;
    }
    EXPECT_TRUE(DecodeImage(file, ImageLimits()).ok());
  }
  EXPECT_EQ(ErrorOf(absl::string_view(GoldenFile("jpeg-444.jpg")).substr(0, 400)),
            "the JPEG file is broken: it ends too early");
}

TEST(ImageDecoderTest, BytesAfterTheEndAreLeftAside) {
  for (const char* name : {"rgb8.png", "jpeg-420.jpg"}) {
    EXPECT_TRUE(DecodeImage(GoldenFile(name) + "more", ImageLimits()).ok()) << name;
  }
}

TEST(ImageDecoderTest, PngDataMustBeThere) {
  const std::string header = PngHeader(2, 2, 8, 0), end = PngChunk("IEND", "");
  EXPECT_THAT(ErrorOf(header + end), HasSubstr("the PNG file is broken: "));
  EXPECT_THAT(ErrorOf(header + PngChunk("IDAT", Deflated("abc")) + end),
              HasSubstr("the PNG file is broken: "));
  EXPECT_THAT(ErrorOf(header + PngChunk("IDAT", "nothing that deflate makes") + end),
              HasSubstr("the PNG file is broken: "));
  // Colours by a palette that is not there; a depth that there is not.
  EXPECT_THAT(ErrorOf(PngHeader(1, 1, 8, 3) +
                      PngChunk("IDAT", Deflated(absl::string_view("\0\0", 2))) + end),
              HasSubstr("PLTE"));
  EXPECT_THAT(ErrorOf(PngHeader(1, 1, 3, 0) + end), HasSubstr("the PNG file is broken: "));
  EXPECT_EQ(ErrorOf(absl::StrCat("\x89PNG\r\n\x1a\n", PngChunk("IDAT", std::string(20, 'x')))),
            "the PNG file is broken: it does not begin with a header");
}

TEST(ImageDecoderTest, ACheckSumThatIsWrongIsAnError) {
  std::string file = GreyPng(3, 3, 7);
  ASSERT_TRUE(DecodeImage(file, ImageLimits()).ok());
  file[file.find("IDAT") + 6] ^= 1;
  EXPECT_THAT(ErrorOf(file), HasSubstr("the PNG file is broken: "));
}

TEST(ImageDecoderTest, ChunksThatAreNotNeededAreNotUnpacked) {
  // Text of 64 MiB in 64 KiB, and a colour profile that is none.
  const std::string text =
      absl::StrCat(absl::string_view("Comment\0\0", 9), Deflated(std::string(64 << 20, 'a')));
  const std::string profile = absl::StrCat(absl::string_view("p\0\0", 3), Deflated("none"));
  const auto image = DecodeImage(
      GreyPng(1, 1, 9, PngChunk("zTXt", text) + PngChunk("iCCP", profile)), ImageLimits());
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_THAT(image->pixels, ElementsAre(9, 9, 9));
}

TEST(ImageDecoderTest, DataBeyondThePictureIsLeftAsideUnlessThereIsFarTooMuch) {
  const auto with_rows = [](size_t bytes) {
    return PngHeader(1, 1, 8, 0) + PngChunk("IDAT", Deflated(std::string(bytes, '\0'))) +
           PngChunk("IEND", "");
  };
  EXPECT_TRUE(DecodeImage(with_rows(100), ImageLimits()).ok());
  EXPECT_TRUE(DecodeImage(with_rows(10 << 20), ImageLimits()).ok());  // 10 KiB of the file
  const std::string noise = [] {
    std::string bytes(2 << 20, '\0');
    uint32_t state = 1;
    for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    bytes[0] = 0;
    return bytes;
  }();
  EXPECT_EQ(
      ErrorOf(PngHeader(1, 1, 8, 0) + PngChunk("IDAT", Deflated(noise)) + PngChunk("IEND", "")),
      "the PNG file is broken: it has far more data than its picture");
}

TEST(ImageDecoderTest, AChunkLongerThanTheFileIsAnError) {
  for (const char* kind : {"eXIf", "PLTE", "tEXt", "prIv", "IDAT"}) {
    const std::string chunk = absl::StrCat(BigEndian32(0x7fffffff), kind, std::string(40, 'x'));
    EXPECT_THAT(ErrorOf(GreyPng(1, 1, 9, chunk)), HasSubstr("the PNG file is broken: ")) << kind;
  }
}

TEST(ImageDecoderTest, BrokenExifLeavesThePictureAsItIs) {
  for (const absl::string_view exif : {absl::string_view("II*\0\xff\xff\xff\xff", 8),
                                       absl::string_view("II*\0\x08\0\0\0\xff\xff", 10),
                                       absl::string_view("nothing of that kind")}) {
    const auto image = DecodeImage(GreyPng(2, 1, 9, PngChunk("eXIf", exif)), ImageLimits());
    ASSERT_TRUE(image.ok()) << image.status();
    EXPECT_EQ(image->width, 2);
  }
}

TEST(ImageDecoderTest, TooManyScansAreAnError) {
  const std::string file = GoldenFile("jpeg-grey-progressive.jpg");
  // The first scan again and again: each is a valid refinement of nothing.
  const size_t scan = file.find("\xff\xda"), next = file.find("\xff\xc4", scan);
  ASSERT_NE(next, std::string::npos);
  std::string many = file.substr(0, next);
  for (int i = 0; i < 200; ++i) many += file.substr(scan, next - scan);
  EXPECT_EQ(ErrorOf(many + file.substr(next)),
            "the JPEG file is broken: it has more than 100 scans");
}

TEST(ImageDecoderTest, KindsOfJpegThatPillowDoesNotReadAreErrors) {
  std::string file = GoldenFile("jpeg-444.jpg");
  const size_t frame = file.find("\xff\xc0");
  std::string twelve = file;
  twelve[frame + 4] = 12;
  EXPECT_THAT(ErrorOf(twelve), HasSubstr("12"));
  // Two components: the frame and the scan are shorter by the third.
  std::string two = file;
  const size_t scan = two.find("\xff\xda");
  two[scan + 4] = 2;
  two[scan + 3] = static_cast<char>(two[scan + 3] - 2);
  two.erase(scan + 5 + 4, 2);
  two[frame + 9] = 2;
  two[frame + 3] = static_cast<char>(two[frame + 3] - 3);
  two.erase(frame + 10 + 6, 3);
  EXPECT_THAT(ErrorOf(two), HasSubstr("2 components, 1, 3 or 4 are required"));
}

}  // namespace
}  // namespace attentiond
