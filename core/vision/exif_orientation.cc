// core/vision/exif_orientation.cc -- one entry of a TIFF directory, and eight ways to copy.
#include "core/vision/exif_orientation.h"

#include <cstring>
#include <utility>

namespace attentiond {
namespace {

/// Reads unsigned numbers of a TIFF file's byte order; 0 past the end.
class TiffReader {
 public:
  explicit TiffReader(absl::string_view data) : data_(data), little_(data.substr(0, 2) == "II") {}

  uint64_t Get(uint64_t offset, uint64_t bytes) const {
    if (offset > data_.size() || bytes > data_.size() - offset) return 0;
    uint64_t value = 0;
    for (uint64_t i = 0; i < bytes; ++i) {
      const uint64_t at = offset + (little_ ? bytes - 1 - i : i);
      value = value << 8 | static_cast<uint8_t>(data_[at]);
    }
    return value;
  }

 private:
  absl::string_view data_;
  bool little_;
};

constexpr uint64_t kOrientationTag = 0x0112, kShort = 3, kLong = 4;

}  // namespace

int ParseExifOrientation(absl::string_view tiff) {
  if (tiff.substr(0, 2) != "II" && tiff.substr(0, 2) != "MM") return 1;
  const TiffReader reader(tiff);
  if (reader.Get(2, 2) != 42) return 1;
  const uint64_t directory = reader.Get(4, 4), entries = reader.Get(directory, 2);
  for (uint64_t index = 0; index < entries; ++index) {
    // Tag, type, count, value.
    const uint64_t entry = directory + 2 + 12 * index;
    if (reader.Get(entry, 2) != kOrientationTag) continue;
    const uint64_t type = reader.Get(entry + 2, 2), count = reader.Get(entry + 4, 4);
    if (count != 1 || (type != kShort && type != kLong)) return 1;
    const uint64_t value = reader.Get(entry + 8, type == kShort ? 2 : 4);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

RgbImage Upright(RgbImage image, int orientation) {
  if (orientation < 2 || orientation > 8) return image;
  // From the result's place (u, v) to the picture's: exchanged, then counted from the other end.
  const bool exchange = orientation >= 5;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_below =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  RgbImage result(exchange ? image.height : image.width, exchange ? image.width : image.height);
  for (int64_t v = 0; v < result.height; ++v) {
    uint8_t* to = result.row(v);
    for (int64_t u = 0; u < result.width; ++u, to += 3) {
      const int64_t x = exchange ? v : u, y = exchange ? u : v;
      std::memcpy(to,
                  image.row(from_below ? image.height - 1 - y : y) +
                      (from_right ? image.width - 1 - x : x) * 3,
                  3);
    }
  }
  return result;
}

}  // namespace attentiond
