// server/inference/image_inputs.cc -- decodes and processes.
#include "server/inference/image_inputs.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/vision/image_decoder.h"
#include "core/vision/image_processor.h"

namespace attentiond {

absl::StatusOr<std::vector<float>> PixelsOf(absl::string_view file, const ImageProcessor& processor,
                                            const ModelInfo& info, const ImageLimits& limits) {
  ASSIGN_OR_RETURN(const RgbImage image, DecodeImage(file, limits));
  const ImageSize size = processor.OutputSize(image);
  if (size != info.image) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the picture of ", image.height, " x ", image.width, " (height x width) becomes ",
        size.height, " x ", size.width, " by preprocessor_config.json, ", info.image.height, " x ",
        info.image.width, " is required"));
  }
  ASSIGN_OR_RETURN(PixelValues pixels, processor.Process(image, limits));
  return std::move(pixels.values);
}

int64_t PixelBytes(const ModelInfo& info) {
  return 3 * info.image.height * info.image.width * static_cast<int64_t>(sizeof(float));
}

}  // namespace attentiond
