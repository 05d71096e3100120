// core/vision/resample.h -- resizing pictures as Pillow does, to the last bit.
#pragma once

#include <cstdint>

#include "core/vision/rgb_image.h"

namespace attentiond {

/// Values are those of `resample` in preprocessor_config.json.
enum class Resampling : uint8_t {
  kNearest = 0,
  kLanczos = 1,
  kBilinear = 2,
  kBicubic = 3,
  kBox = 4,
  kHamming = 5,
};

/// `image` at another size, 1 x 1 at least. But for kNearest each pixel is a weighted mean of those
/// that it covers (antialiasing): along rows, rounded to 8 bits, then along columns, or the other
/// way round where that is less work. Weights are of 22 bits after the point, and sums exact, so
/// that the result is the same everywhere.
///
/// Source    the definition of the filters: Turkowski 1990, Filters for common resampling tasks;
///           Keys 1981 (bicubic, a = -1/2). The rounding is Pillow's; tests hold it to that.
/// Threads   any.
RgbImage Resize(const RgbImage& image, int64_t width, int64_t height, Resampling filter);

}  // namespace attentiond
