// core/vision/image_processor.cc -- sizes, and a table for what happens to each byte.
#include "core/vision/image_processor.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace attentiond {
namespace {

/// `side` in proportion: rounded down, after a division in double as Python divides.
int64_t InProportion(double side, int64_t numerator, int64_t denominator) {
  return std::max(int64_t{1}, static_cast<int64_t>(side * static_cast<double>(numerator) /
                                                   static_cast<double>(denominator)));
}

/// Rows or columns: where the crop begins in a picture of `size`, negative when it is larger.
int64_t CropStart(int64_t size, int64_t crop) {
  const int64_t difference = size - crop;
  return difference >= 0 ? difference / 2 : -((1 - difference) / 2);
}

}  // namespace

ImageProcessor::ImageProcessor(const PreprocessorConfig& config) : config_(config) {
  for (size_t c = 0; c < values_.size(); ++c) {
    for (size_t byte = 0; byte < values_[c].size(); ++byte) {
      auto value = static_cast<float>(byte);
      if (config_.rescale_factor) {
        value = static_cast<float>(static_cast<double>(byte) * *config_.rescale_factor);
      }
      if (config_.normalize) {
        value = (value - static_cast<float>(config_.normalize->mean[c])) /
                static_cast<float>(config_.normalize->deviation[c]);
      }
      values_[c][byte] = value;
    }
  }
}

ImageSize ImageProcessor::ResizedSize(const RgbImage& image) const {
  if (!config_.resize) return {image.height, image.width};
  const ResizeTarget& target = *config_.resize;
  if (target.size) return *target.size;
  const int64_t shorter = std::min(image.width, image.height);
  const int64_t longer = std::max(image.width, image.height);
  int64_t new_shorter = target.shortest_edge;
  auto exact = static_cast<double>(new_shorter);
  if (target.longest_edge > 0 &&
      static_cast<double>(longer) / static_cast<double>(shorter) * exact >
          static_cast<double>(target.longest_edge)) {
    exact = static_cast<double>(target.longest_edge) * static_cast<double>(shorter) /
            static_cast<double>(longer);
    new_shorter = static_cast<int64_t>(std::nearbyint(exact));
  }
  if (new_shorter == shorter && target.longest_edge > 0) return {image.height, image.width};
  const int64_t new_longer = InProportion(exact, longer, shorter);
  new_shorter = std::max(new_shorter, int64_t{1});
  return image.width <= image.height ? ImageSize{new_longer, new_shorter}
                                     : ImageSize{new_shorter, new_longer};
}

absl::StatusOr<PixelValues> ImageProcessor::Process(const RgbImage& image,
                                                    const ImageLimits& limits) const {
  const ImageSize size = ResizedSize(image);
  if (size.height * size.width > limits.max_pixels) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the picture is ", image.width, " x ", image.height, " pixels: resized to ", size.width,
        " x ", size.height, " as the model asks it would have more than the ", limits.max_pixels,
        " that are allowed"));
  }
  const bool resizes = size != ImageSize{image.height, image.width};
  const RgbImage resized =
      resizes ? Resize(image, size.width, size.height, config_.resample) : RgbImage();
  const RgbImage& from = resizes ? resized : image;
  const ImageSize output = OutputSize(image);
  const int64_t top = CropStart(size.height, output.height);
  const int64_t left = CropStart(size.width, output.width);

  PixelValues result{output,
                     std::vector<float>(static_cast<size_t>(3 * output.height * output.width))};
  float* to = result.values.data();
  for (size_t c = 0; c < values_.size(); ++c) {
    for (int64_t y = top; y < top + output.height; ++y) {
      for (int64_t x = left; x < left + output.width; ++x) {
        const bool inside = y >= 0 && y < size.height && x >= 0 && x < size.width;
        *to++ = values_[c][inside ? from.row(y)[3 * x + static_cast<int64_t>(c)] : 0];
      }
    }
  }
  return result;
}

}  // namespace attentiond
