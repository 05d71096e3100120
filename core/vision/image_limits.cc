// core/vision/image_limits.cc -- what is too large, and how it is said.
#include "core/vision/image_limits.h"

#include "absl/strings/str_cat.h"

namespace attentiond {

absl::Status CheckFileSize(size_t bytes, const ImageLimits& limits) {
  if (static_cast<int64_t>(bytes) <= limits.max_bytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the file has ", bytes, " bytes, at most ", limits.max_bytes, " are allowed"));
}

absl::Status CheckPictureSize(absl::string_view format, int64_t width, int64_t height, size_t bytes,
                              const ImageLimits& limits) {
  const std::string found =
      absl::StrCat("the ", format, " picture is ", width, " x ", height, " pixels");
  if (width < 1 || height < 1 || width > kMaxImageSide || height > kMaxImageSide) {
    return absl::InvalidArgumentError(
        absl::StrCat(found, ", 1 to ", kMaxImageSide, " each are required"));
  }
  if (width * height > limits.max_pixels) {
    return absl::InvalidArgumentError(
        absl::StrCat(found, ", at most ", limits.max_pixels, " in all are allowed"));
  }
  const int64_t decoded = width * height * 3;
  if (decoded >= kRatioCheckedFrom &&
      decoded / kMaxDecompressionRatio > static_cast<int64_t>(bytes)) {
    return absl::InvalidArgumentError(absl::StrCat(
        found, " in a file of ", bytes, " bytes: that is more than ", kMaxDecompressionRatio,
        " times larger decoded, which is not allowed of one this large"));
  }
  return absl::OkStatus();
}

}  // namespace attentiond
