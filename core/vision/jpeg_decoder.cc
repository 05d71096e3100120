// core/vision/jpeg_decoder.cc -- libjpeg-turbo, with its errors caught.
//
// As in png_decoder.cc, what calls the library is a step: a function of a State, which has nothing
// to destroy, run by Run() alone.
#include "core/vision/jpeg_decoder.h"

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>

// After <cstdio>, which it does not include itself.
#include <jpeglib.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/vision/exif_orientation.h"

namespace attentiond {
namespace {

// A progressive file needs about ten. Each costs as much time as the picture has pixels, however
// few bytes it takes in the file.
constexpr int kMaxScans = 100;
constexpr absl::string_view kExifMarker("Exif\0\0", 6);

struct State {
  jpeg_decompress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg_source_mgr source;
  jpeg_progress_mgr progress;
  std::jmp_buf jump;
  std::array<char, JMSG_LENGTH_MAX> message;
  absl::string_view file;
  RgbImage* image;
};

State& StateOf(j_common_ptr jpeg) { return *static_cast<State*>(jpeg->client_data); }

[[noreturn]] void Fail(j_common_ptr jpeg, const char* message) {
  State& state = StateOf(jpeg);
  std::snprintf(state.message.data(), state.message.size(), "%s", message);
  std::longjmp(state.jump, 1);
}

[[noreturn]] void OnError(j_common_ptr jpeg) {
  State& state = StateOf(jpeg);
  jpeg->err->format_message(jpeg, state.message.data());
  std::longjmp(state.jump, 1);
}

// Warnings are of data that is odd but can be shown.
void OnMessage(j_common_ptr, int) {}
void OnOutput(j_common_ptr) {}

void OnProgress(j_common_ptr jpeg) {
  if (StateOf(jpeg).jpeg.input_scan_number > kMaxScans) Fail(jpeg, "it has more than 100 scans");
}

void StartSource(j_decompress_ptr) {}
void EndSource(j_decompress_ptr) {}

boolean FillSource(j_decompress_ptr jpeg) {
  Fail(reinterpret_cast<j_common_ptr>(jpeg), "it ends too early");
}

void SkipSource(j_decompress_ptr jpeg, long bytes) {
  if (bytes <= 0) return;
  if (static_cast<size_t>(bytes) > jpeg->src->bytes_in_buffer) FillSource(jpeg);
  jpeg->src->next_input_byte += bytes;
  jpeg->src->bytes_in_buffer -= static_cast<size_t>(bytes);
}

/// kInvalidArgument when libjpeg has left `step` by an error.
absl::Status Run(State& state, void (*step)(State&)) {
  if (setjmp(state.jump) == 0) {
    step(state);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the JPEG file is broken: ", state.message.data()));
}

void ReadHeader(State& state) {
  jpeg_decompress_struct* const jpeg = &state.jpeg;
  jpeg_create_decompress(jpeg);
  jpeg->progress = &state.progress;
  state.progress.progress_monitor = OnProgress;
  state.source.init_source = StartSource;
  state.source.fill_input_buffer = FillSource;
  state.source.skip_input_data = SkipSource;
  state.source.resync_to_restart = jpeg_resync_to_restart;
  state.source.term_source = EndSource;
  state.source.next_input_byte = reinterpret_cast<const JOCTET*>(state.file.data());
  state.source.bytes_in_buffer = state.file.size();
  jpeg->src = &state.source;
  jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(jpeg, TRUE);
}

/// Of inverted values, as Adobe stores them: c is 255 where there is no ink. Rounded as Pillow
/// does.
uint8_t WithInk(int c, int k) {
  const int product = (255 - c) * k + 128;
  return static_cast<uint8_t>(k - (((product >> 8) + product) >> 8));
}

void ReadPixels(State& state) {
  jpeg_decompress_struct* const jpeg = &state.jpeg;
  const bool has_ink = jpeg->num_components == 4;
  jpeg->out_color_space = has_ink ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(jpeg);
  JSAMPARRAY inks = nullptr;  // one row, in the library's memory
  if (has_ink) {
    inks = jpeg->mem->alloc_sarray(reinterpret_cast<j_common_ptr>(jpeg), JPOOL_IMAGE,
                                   jpeg->output_width * 4, 1);
  }
  while (jpeg->output_scanline < jpeg->output_height) {
    JSAMPROW row = state.image->row(jpeg->output_scanline);
    if (!has_ink) {
      jpeg_read_scanlines(jpeg, &row, 1);
      continue;
    }
    jpeg_read_scanlines(jpeg, inks, 1);
    for (size_t x = 0; x < jpeg->output_width; ++x) {
      const JSAMPLE* const ink = inks[0] + 4 * x;
      for (size_t c = 0; c < 3; ++c) row[3 * x + c] = WithInk(ink[c], ink[3]);
    }
  }
  jpeg_finish_decompress(jpeg);
}

int OrientationOf(const jpeg_decompress_struct& jpeg) {
  for (jpeg_saved_marker_ptr marker = jpeg.marker_list; marker != nullptr; marker = marker->next) {
    const absl::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (absl::StartsWith(data, kExifMarker)) {
      return ParseExifOrientation(data.substr(kExifMarker.size()));
    }
  }
  return 1;
}

absl::Status CheckKind(const jpeg_decompress_struct& jpeg) {
  if (jpeg.data_precision != 8) {
    return absl::InvalidArgumentError(absl::StrCat("the JPEG picture has ", jpeg.data_precision,
                                                   " bits a channel, 8 are required"));
  }
  if (jpeg.num_components != 1 && jpeg.num_components != 3 && jpeg.num_components != 4) {
    return absl::InvalidArgumentError(absl::StrCat("the JPEG picture has ", jpeg.num_components,
                                                   " components, 1, 3 or 4 are required"));
  }
  return absl::OkStatus();
}

/// Owns libjpeg's structure.
class JpegFile {
 public:
  explicit JpegFile(absl::string_view file) {
    state_.file = file;
    state_.jpeg.err = jpeg_std_error(&state_.errors);
    state_.jpeg.client_data = &state_;
    state_.errors.error_exit = OnError;
    state_.errors.emit_message = OnMessage;
    state_.errors.output_message = OnOutput;
  }
  JpegFile(const JpegFile&) = delete;
  JpegFile& operator=(const JpegFile&) = delete;
  ~JpegFile() { jpeg_destroy_decompress(&state_.jpeg); }

  State& state() { return state_; }

 private:
  State state_ = {};
};

}  // namespace

absl::StatusOr<StoredImage> DecodeJpeg(absl::string_view file, const ImageLimits& limits) {
  JpegFile jpeg(file);
  State& state = jpeg.state();
  RETURN_IF_ERROR(Run(state, ReadHeader));
  const int64_t width = state.jpeg.image_width, height = state.jpeg.image_height;
  RETURN_IF_ERROR(CheckPictureSize("JPEG", width, height, file.size(), limits));
  RETURN_IF_ERROR(CheckKind(state.jpeg));
  StoredImage stored{RgbImage(width, height), OrientationOf(state.jpeg)};
  state.image = &stored.image;
  RETURN_IF_ERROR(Run(state, ReadPixels));
  return stored;
}

}  // namespace attentiond
