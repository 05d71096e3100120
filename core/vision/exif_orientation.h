// core/vision/exif_orientation.h -- which way up a camera was held.
#pragma once

#include "absl/strings/string_view.h"
#include "core/vision/rgb_image.h"

namespace attentiond {

/// The orientation that EXIF data says: 2 to 8, or 1 (as it is stored) when there is none, or the
/// data is broken, or it is something else. `tiff` begins with "II" or "MM".
/// Source: TIFF 6.0, section 2; EXIF 2.3, tag 0x0112.
int ParseExifOrientation(absl::string_view tiff);

/// The picture turned and mirrored so that it is upright.
RgbImage Upright(RgbImage image, int orientation);

}  // namespace attentiond
