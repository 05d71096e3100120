// core/vision/jpeg_decoder.h -- JPEG by libjpeg-turbo.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/vision/image_limits.h"
#include "core/vision/stored_image.h"

namespace attentiond {

/// `file` begins with JPEG's signature. Errors and colours as DecodeImage().
absl::StatusOr<StoredImage> DecodeJpeg(absl::string_view file, const ImageLimits& limits);

}  // namespace attentiond
