// tests/core/vision/vision_golden_test.cc -- the bytes that Pillow and transformers make of
// pictures.
//
// tests/golden/make_images.py made the files and what is expected of them. Everything is equal, to
// the last bit: of decoded files, of resized pictures and of a processor's floats.
#include <gtest/gtest.h>

#include "core/vision/image_decoder.h"
#include "core/vision/image_processor.h"
#include "core/vision/preprocessor_config.h"
#include "core/vision/resample.h"
#include "core/weights/json_file.h"
#include "core/weights/regular_file.h"
#include "core/weights/safetensors.h"

namespace attentiond {
namespace {

const std::string& Directory() {
  static const auto* const kDirectory =
      new std::string(ATTENTIOND_SOURCE_DIR "/tests/golden/images");
  return *kDirectory;
}

class VisionGoldenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto cases = ReadJsonFile(Directory() + "/cases.json");
    auto expected = SafetensorsFile::Open(Directory() + "/expected.safetensors");
    ASSERT_TRUE(cases.ok()) << cases.status();
    ASSERT_TRUE(expected.ok()) << expected.status();
    cases_ = *std::move(cases);
    expected_ = *std::move(expected);
  }

  const TensorView& Expected(const nlohmann::json& golden_case, const std::string& what) const {
    return expected_->tensors().at(golden_case.at("name").get<std::string>() + "." + what);
  }

  void ExpectPixels(const RgbImage& image, const TensorView& expected) const {
    ASSERT_EQ((Shape{image.height, image.width, 3}), expected.shape);
    const auto* const bytes = static_cast<const uint8_t*>(expected.data);
    for (size_t i = 0; i < image.pixels.size(); ++i) {
      ASSERT_EQ(int{image.pixels[i]}, int{bytes[i]})
          << "byte " << i << " of " << image.pixels.size();
    }
  }

  nlohmann::json cases_;
  std::unique_ptr<SafetensorsFile> expected_;
};

RgbImage Load(const nlohmann::json& file) {
  const auto opened = RegularFile::Open(Directory() + "/files/" + file.get<std::string>());
  EXPECT_TRUE(opened.ok()) << opened.status();
  auto image = DecodeImage(*opened->ReadAll(), ImageLimits());
  EXPECT_TRUE(image.ok()) << image.status();
  return image.ok() ? *std::move(image) : RgbImage(1, 1);
}

TEST_F(VisionGoldenTest, FilesDecodeToPillowsBytes) {
  ASSERT_GT(cases_["images"].size(), 60u);
  for (const auto& golden_case : cases_["images"]) {
    SCOPED_TRACE(golden_case.dump());
    ExpectPixels(Load(golden_case["name"]), Expected(golden_case, "rgb"));
  }
}

TEST_F(VisionGoldenTest, ResizingGivesPillowsBytes) {
  ASSERT_GT(cases_["resize"].size(), 60u);
  for (const auto& golden_case : cases_["resize"]) {
    SCOPED_TRACE(golden_case.dump());
    const RgbImage image =
        Resize(Load(golden_case["image"]), golden_case["width"].get<int64_t>(),
               golden_case["height"].get<int64_t>(), golden_case["filter"].get<Resampling>());
    ExpectPixels(image, Expected(golden_case, "rgb"));
  }
}

TEST_F(VisionGoldenTest, ProcessorsGiveTransformersFloats) {
  ASSERT_GT(cases_["processors"].size(), 40u);
  for (const auto& golden_case : cases_["processors"]) {
    SCOPED_TRACE(golden_case.dump());
    const auto config = ParsePreprocessorConfig(golden_case["config"], "");
    ASSERT_TRUE(config.ok()) << config.status();
    const auto pixels = ImageProcessor(*config).Process(Load(golden_case["image"]), ImageLimits());
    ASSERT_TRUE(pixels.ok()) << pixels.status();
    const TensorView& expected = Expected(golden_case, "pixel_values");
    ASSERT_EQ((Shape{3, pixels->size.height, pixels->size.width}), expected.shape);
    const absl::Span<const float> floats = expected.values<float>();
    for (size_t i = 0; i < pixels->values.size(); ++i) {
      ASSERT_EQ(pixels->values[i], floats[i]) << "value " << i;
    }
  }
}

}  // namespace
}  // namespace attentiond
