// core/vision/stored_image.h -- what a decoder makes of a file.
#pragma once

#include "core/vision/rgb_image.h"

namespace attentiond {

struct StoredImage {
  RgbImage image;       ///< as stored, not yet turned
  int orientation = 1;  ///< EXIF's, 1 to 8
};

}  // namespace attentiond
