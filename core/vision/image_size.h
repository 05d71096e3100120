// core/vision/image_size.h -- the sides of a picture, in pixels.
#pragma once

#include <cstdint>

namespace attentiond {

struct ImageSize {
  int64_t height = 0, width = 0;
  friend bool operator==(const ImageSize&, const ImageSize&) = default;
};

}  // namespace attentiond
