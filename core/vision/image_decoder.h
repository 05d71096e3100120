// core/vision/image_decoder.h -- from the bytes of a PNG or JPEG file to 8-bit RGB.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/vision/image_limits.h"
#include "core/vision/rgb_image.h"

namespace attentiond {

/// The same bytes as Pillow's ImageOps.exif_transpose(Image.open(file)).convert("RGB"):
///   alpha, transparent colours, gamma and colour profiles are left aside; 16 bits a channel become
///   the upper 8, but grey values of 16 bits above 255 become 255; a palette's missing entries are
///   black; CMYK and YCCK are taken to be inverted, as Adobe writes them; the orientation that a
///   camera noted (EXIF, in JPEG or PNG) is applied, so that pictures are upright.
///
/// Errors    kInvalidArgument, one line: neither PNG nor JPEG (says what it looks like), larger
/// than
///           `limits` (before anything is decoded), truncated or broken (with the library's
///           reason), of a kind that Pillow does not read (12 bits a channel, two components), or a
///           JPEG of more than 100 scans.
/// Threads   any.
absl::StatusOr<RgbImage> DecodeImage(absl::string_view file, const ImageLimits& limits);

}  // namespace attentiond
