// core/vision/image_decoder.cc -- which decoder a file is for.
#include "core/vision/image_decoder.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/vision/exif_orientation.h"
#include "core/vision/jpeg_decoder.h"
#include "core/vision/png_decoder.h"

namespace attentiond {
namespace {

constexpr absl::string_view kPngSignature("\x89PNG\r\n\x1a\n", 8);
constexpr absl::string_view kJpegSignature("\xff\xd8\xff", 3);

/// Whether `bytes` are there, `at` bytes from the file's beginning.
bool Has(absl::string_view file, size_t at, absl::string_view bytes) {
  return file.size() >= at && absl::StartsWith(file.substr(at), bytes);
}

/// What a file of another kind is, by how it begins.
std::string Describe(absl::string_view file) {
  if (file.empty()) return "an empty file";
  if (absl::StartsWith(file, "GIF8")) return "a GIF file";
  if (absl::StartsWith(file, "BM")) return "a BMP file";
  if (absl::StartsWith(file, "RIFF") && Has(file, 8, "WEBP")) return "a WebP file";
  if (absl::StartsWith(file, "II*") || absl::StartsWith(file, "MM")) return "a TIFF file";
  if (Has(file, 4, "ftyp")) return "an AVIF or HEIF file";
  if (absl::StartsWith(file, "%PDF")) return "a PDF file";
  return absl::StrCat("a file that begins with the bytes ",
                      absl::BytesToHexString(file.substr(0, 8)));
}

absl::StatusOr<StoredImage> DecodeStored(absl::string_view file, const ImageLimits& limits) {
  if (absl::StartsWith(file, kPngSignature)) return DecodePng(file, limits);
  if (absl::StartsWith(file, kJpegSignature)) return DecodeJpeg(file, limits);
  return absl::InvalidArgumentError(
      absl::StrCat(Describe(file), " was found, a PNG or JPEG file is required"));
}

}  // namespace

absl::StatusOr<RgbImage> DecodeImage(absl::string_view file, const ImageLimits& limits) {
  RETURN_IF_ERROR(CheckFileSize(file.size(), limits));
  ASSIGN_OR_RETURN(StoredImage stored, DecodeStored(file, limits));
  return Upright(std::move(stored.image), stored.orientation);
}

}  // namespace attentiond
