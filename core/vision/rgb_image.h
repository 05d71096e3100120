// core/vision/rgb_image.h -- a decoded picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace attentiond {

/// 8 bits a channel, in the order red, green, blue.
struct RgbImage {
  RgbImage() = default;
  /// Black.
  RgbImage(int64_t image_width, int64_t image_height)
      : width(image_width),
        height(image_height),
        pixels(static_cast<size_t>(image_width * image_height * 3)) {}

  int64_t width = 0, height = 0;
  std::vector<uint8_t> pixels;  ///< [height, width, 3]

  const uint8_t* row(int64_t y) const { return pixels.data() + y * width * 3; }
  uint8_t* row(int64_t y) { return pixels.data() + y * width * 3; }
};

}  // namespace attentiond
