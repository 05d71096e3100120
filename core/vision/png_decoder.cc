// core/vision/png_decoder.cc -- libpng, with its errors caught.
//
// libpng reports errors by longjmp. So whatever calls it is a step: a function of a State, which
// has nothing to destroy, run by Run() alone. What needs a destructor lives outside the steps.
#include "core/vision/png_decoder.h"

#include <png.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/vision/exif_orientation.h"

namespace attentiond {
namespace {

constexpr size_t kSignatureBytes = 8;

// Of a file, to unpack the last row and find the end of the data. Rows have at most 8 bytes a
// pixel, and of what does not compress deflate makes hardly more; unpacked it is at most a thousand
// times as much, which takes a fraction of a second.
constexpr size_t kMaxLastRowBytes = kMaxImageSide * 8 + (64 << 10);

struct State {
  png_structp png;
  png_infop info;
  const char* next;  // what of the file has not been read
  size_t left;
  size_t budget;  // so much of it may still be read
  std::jmp_buf jump;
  std::array<char, 200> message;

  RgbImage* image;
};

[[noreturn]] void OnError(png_structp png, png_const_charp message) {
  auto& state = *static_cast<State*>(png_get_error_ptr(png));
  std::snprintf(state.message.data(), state.message.size(), "%s", message);
  std::longjmp(state.jump, 1);
}

void OnWarning(png_structp, png_const_charp) {}

void Read(png_structp png, png_bytep to, size_t bytes) {
  auto& state = *static_cast<State*>(png_get_io_ptr(png));
  if (bytes > state.left) png_error(png, "it ends too early");
  if (bytes > state.budget) png_error(png, "it has far more data than its picture");
  state.budget -= bytes;
  std::memcpy(to, state.next, bytes);
  state.next += bytes;
  state.left -= bytes;
}

/// kInvalidArgument when libpng has left `step` by an error.
absl::Status Run(State& state, void (*step)(State&)) {
  if (setjmp(state.jump) == 0) {
    step(state);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("the PNG file is broken: ", state.message.data()));
}

void ReadHeader(State& state) {
  png_set_read_fn(state.png, &state, Read);
  png_set_user_limits(state.png, kMaxImageSide, kMaxImageSide);
  // Chunks that are not needed are skipped: neither unpacked, nor given as much memory as they say
  // that they need. Some versions count eXIf to them only when it is named.
  png_set_keep_unknown_chunks(state.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_set_keep_unknown_chunks(state.png, PNG_HANDLE_CHUNK_NEVER,
                              reinterpret_cast<png_const_bytep>("eXIf"), 1);
  png_read_info(state.png, state.info);
}

bool IsGrey16(const State& state) {
  return png_get_color_type(state.png, state.info) == PNG_COLOR_TYPE_GRAY &&
         png_get_bit_depth(state.png, state.info) == 16;
}

bool HasPalette(const State& state) {
  return png_get_color_type(state.png, state.info) == PNG_COLOR_TYPE_PALETTE;
}

/// Rows become 3 bytes a pixel, but 1 with a palette and 2 of grey with 16 bits.
void ChooseFormat(State& state) {
  png_structp png = state.png;
  if (HasPalette(state)) {
    png_set_packing(png);
  } else if (!IsGrey16(state)) {
    png_set_expand_gray_1_2_4_to_8(png);
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    png_set_gray_to_rgb(png);
  }
}

void ReadPixels(State& state) {
  ChooseFormat(state);
  const int passes = png_set_interlace_handling(state.png);
  png_read_update_info(state.png, state.info);
  if (png_get_rowbytes(state.png, state.info) > static_cast<size_t>(state.image->width) * 3) {
    png_error(state.png, "its rows are longer than they should be");
  }
  const int64_t height = state.image->height;
  for (int pass = 0; pass < passes; ++pass) {
    for (int64_t y = 0; y < height; ++y) {
      // After the last row libpng unpacks what is left, to find its end.
      const bool is_last = pass + 1 == passes && y + 1 == height;
      if (is_last) state.budget = kMaxLastRowBytes;
      png_read_row(state.png, state.image->row(y), nullptr);
    }
  }
  state.budget = state.left;
  png_read_end(state.png, state.info);
}

void ExpandGrey16(RgbImage* image) {
  for (int64_t y = 0; y < image->height; ++y) {
    uint8_t* const row = image->row(y);
    // From the end, where the result does not reach what is still to be read.
    for (int64_t x = image->width - 1; x >= 0; --x) {
      const uint8_t value = row[2 * x] > 0 ? 255 : row[2 * x + 1];
      std::memset(row + 3 * x, value, 3);
    }
  }
}

void ExpandPalette(const State& state) {
  std::array<std::array<uint8_t, 3>, 256> colors = {};
  png_colorp stored = nullptr;
  int count = 0;
  png_get_PLTE(state.png, state.info, &stored, &count);
  for (int i = 0; i < count; ++i) {
    colors[static_cast<size_t>(i)] = {stored[i].red, stored[i].green, stored[i].blue};
  }
  for (int64_t y = 0; y < state.image->height; ++y) {
    uint8_t* const row = state.image->row(y);
    for (int64_t x = state.image->width - 1; x >= 0; --x) {
      std::memcpy(row + 3 * x, colors[row[x]].data(), 3);
    }
  }
}

/// Owns libpng's structures.
class PngFile {
 public:
  explicit PngFile(absl::string_view file) {
    state_.next = file.data();
    state_.left = state_.budget = file.size();
    state_.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state_, OnError, OnWarning);
    if (state_.png != nullptr) state_.info = png_create_info_struct(state_.png);
  }
  PngFile(const PngFile&) = delete;
  PngFile& operator=(const PngFile&) = delete;
  ~PngFile() { png_destroy_read_struct(&state_.png, &state_.info, nullptr); }

  bool ok() const { return state_.png != nullptr && state_.info != nullptr; }
  State& state() { return state_; }

 private:
  State state_ = {};
};

uint32_t BigEndian32(absl::string_view bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i)
    value = value << 8 | static_cast<uint8_t>(bytes[static_cast<size_t>(i)]);
  return value;
}

/// The data of the chunk of EXIF data, wherever it is; empty when there is none.
absl::string_view FindExif(absl::string_view file) {
  // Length, kind, data, checksum; one after the other.
  constexpr size_t kAround = 12;
  file.remove_prefix(kSignatureBytes);
  while (file.size() >= kAround) {
    const size_t length = BigEndian32(file);
    if (length > file.size() - kAround) break;
    if (file.substr(4, 4) == "eXIf") return file.substr(8, length);
    file.remove_prefix(kAround + length);
  }
  return {};
}

}  // namespace

absl::StatusOr<StoredImage> DecodePng(absl::string_view file, const ImageLimits& limits) {
  // The first chunk is the header: length, "IHDR", width, height.
  constexpr size_t kHeaderBytes = 16;
  if (file.size() < kSignatureBytes + kHeaderBytes ||
      file.substr(kSignatureBytes + 4, 4) != "IHDR") {
    return absl::InvalidArgumentError("the PNG file is broken: it does not begin with a header");
  }
  const absl::string_view header = file.substr(kSignatureBytes, kHeaderBytes);
  const int64_t width = BigEndian32(header.substr(8)), height = BigEndian32(header.substr(12));
  RETURN_IF_ERROR(CheckPictureSize("PNG", width, height, file.size(), limits));

  PngFile png(file);
  if (!png.ok()) return absl::ResourceExhaustedError("libpng could not be started");
  State& state = png.state();
  RETURN_IF_ERROR(Run(state, ReadHeader));
  const bool is_grey16 = IsGrey16(state), has_palette = HasPalette(state);
  StoredImage stored{RgbImage(width, height)};
  state.image = &stored.image;
  RETURN_IF_ERROR(Run(state, ReadPixels));
  if (is_grey16) ExpandGrey16(&stored.image);
  if (has_palette) ExpandPalette(state);
  stored.orientation = ParseExifOrientation(FindExif(file));
  return stored;
}

}  // namespace attentiond
