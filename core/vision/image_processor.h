// core/vision/image_processor.h -- from a picture to the numbers that a model reads.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "core/vision/image_limits.h"
#include "core/vision/preprocessor_config.h"
#include "core/vision/rgb_image.h"

namespace attentiond {

/// A model's input.
struct PixelValues {
  ImageSize size;
  std::vector<float> values;  ///< [3, height, width]
};

/// Resizes, crops, rescales and normalises, with the results of transformers' image processors on
/// Pillow to the last bit. Immutable.
class ImageProcessor {
 public:
  explicit ImageProcessor(const PreprocessorConfig& config);

  /// kInvalidArgument: a picture so narrow that, resized in proportion, it would have more pixels
  /// than `limits` allow; says how many. Threads: any.
  absl::StatusOr<PixelValues> Process(const RgbImage& image, const ImageLimits& limits) const;

  /// The size of the values that Process() makes of it.
  ImageSize OutputSize(const RgbImage& image) const {
    return config_.crop ? *config_.crop : ResizedSize(image);
  }
  const PreprocessorConfig& config() const { return config_; }

 private:
  ImageSize ResizedSize(const RgbImage& image) const;

  PreprocessorConfig config_;
  std::array<std::array<float, 256>, 3> values_;  ///< of each channel's 256 bytes
};

}  // namespace attentiond
