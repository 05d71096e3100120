// core/vision/png_decoder.h -- PNG by libpng.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/vision/image_limits.h"
#include "core/vision/stored_image.h"

namespace attentiond {

/// `file` begins with PNG's signature. Errors and colours as DecodeImage().
absl::StatusOr<StoredImage> DecodePng(absl::string_view file, const ImageLimits& limits);

}  // namespace attentiond
