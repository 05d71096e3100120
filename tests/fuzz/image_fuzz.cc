// tests/fuzz/image_fuzz.cc -- any bytes as a picture, through decoding and processing.
//
// The bytes are tried as they are, and once more with the checksums of a PNG's chunks made right:
// otherwise hardly anything that is not a whole file would come past them. What is refused is
// refused with one line; what is accepted has the size that it says, and finite values.
#include <zlib.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "core/base/check.h"
#include "core/vision/image_decoder.h"
#include "core/vision/image_processor.h"

namespace attentiond {
namespace {

constexpr ImageLimits kLimits = {.max_bytes = 1 << 20, .max_pixels = 1 << 16};

const std::vector<ImageProcessor>& Processors() {
  static const auto* const kProcessors = [] {
    auto* processors = new std::vector<ImageProcessor>;
    for (const char* json :
         {R"({"image_processor_type": "ViTImageProcessor", "size": 16})",
          R"({"image_processor_type": "DeiTImageProcessor", "size": 9, "crop_size": 20})",
          R"({"image_processor_type": "CLIPImageProcessor", "size": 7, "do_center_crop": false})",
          R"({"image_processor_type": "ViTImageProcessor", "size": [3, 40], "resample": 0})",
          R"({"image_processor_type": "BlipImageProcessor", "do_resize": false, "resample": 1})"}) {
      auto config = ParsePreprocessorConfig(nlohmann::json::parse(json), "");
      ATTENTIOND_CHECK(config.ok());
      processors->emplace_back(*config);
    }
    return processors;
  }();
  return *kProcessors;
}

void CheckRefused(const absl::Status& status) {
  ATTENTIOND_CHECK(status.code() == absl::StatusCode::kInvalidArgument);
  ATTENTIOND_CHECK(!absl::StrContains(status.message(), "\n"));
}

void Try(absl::string_view file) {
  const auto image = DecodeImage(file, kLimits);
  if (!image.ok()) return CheckRefused(image.status());
  ATTENTIOND_CHECK(image->width >= 1 && image->height >= 1);
  ATTENTIOND_CHECK(image->width * image->height <= kLimits.max_pixels);
  ATTENTIOND_CHECK(image->pixels.size() == static_cast<size_t>(3 * image->width * image->height));
  const ImageProcessor& processor = Processors()[file.size() % Processors().size()];
  const auto pixels = processor.Process(*image, kLimits);
  if (!pixels.ok()) return CheckRefused(pixels.status());
  ATTENTIOND_CHECK(pixels->values.size() ==
                   static_cast<size_t>(3 * pixels->size.height * pixels->size.width));
  for (const float value : pixels->values) ATTENTIOND_CHECK(std::isfinite(value));
}

uint32_t Load(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return value;
}

/// Length, kind, data, checksum; one after the other from byte 8 on.
std::string WithRightChecksums(std::string file) {
  for (size_t chunk = 8; file.size() >= 12 && chunk <= file.size() - 12;) {
    const size_t length = Load(file, chunk);
    if (length > file.size() - 12 - chunk) break;
    const auto* const data = reinterpret_cast<const Bytef*>(file.data() + chunk + 4);
    const auto sum = static_cast<uint32_t>(crc32(0, data, static_cast<uInt>(length + 4)));
    for (size_t i = 0; i < 4; ++i) {
      file[chunk + 8 + length + i] = static_cast<char>(sum >> (24 - 8 * i));
    }
    chunk += 12 + length;
  }
  return file;
}

}  // namespace
}  // namespace attentiond

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* input, size_t size) {
  // Of that very size, so that ASan sees its end.
  const std::vector<char> file(input, input + size);
  attentiond::Try({file.data(), file.size()});
  if (size > 1 && input[0] == 0x89) {
    attentiond::Try(attentiond::WithRightChecksums(std::string(file.begin(), file.end())));
  }
  return 0;
}
