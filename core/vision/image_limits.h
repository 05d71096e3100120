// core/vision/image_limits.h -- how large a picture may be, known before any of it is decoded.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace attentiond {

/// What somebody else's picture may cost. The most memory that decoding takes is 3 bytes a pixel,
/// the same again when it is turned, and up to 6 more while a progressive JPEG is read.
struct ImageLimits {
  int64_t max_bytes = int64_t{20} << 20;   ///< of the file
  int64_t max_pixels = int64_t{64} << 20;  ///< width times height: 8192 x 8192
};

/// Each side, as JPEG's own limit is.
inline constexpr int64_t kMaxImageSide = 65500;

/// Decoded bytes for each byte of the file, of pictures that are at least kRatioCheckedFrom bytes
/// when decoded. Photographs have 10 to 50, screenshots 100; a bomb of one colour has 1000.
inline constexpr int64_t kMaxDecompressionRatio = 500;
inline constexpr int64_t kRatioCheckedFrom = int64_t{32} << 20;

/// kInvalidArgument: a file of `bytes` is larger than allowed.
absl::Status CheckFileSize(size_t bytes, const ImageLimits& limits);

/// kInvalidArgument: a file of `bytes` that holds a picture of these sizes is none that may be
/// decoded; says what was found and what is required. `format`: "PNG".
absl::Status CheckPictureSize(absl::string_view format, int64_t width, int64_t height, size_t bytes,
                              const ImageLimits& limits);

}  // namespace attentiond
