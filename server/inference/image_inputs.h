// server/inference/image_inputs.h -- pictures of a request, and how they become what a model reads.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/engine/model.h"
#include "core/vision/image_limits.h"

namespace attentiond {

class ImageProcessor;

/// One picture: a file, or what a model reads.
struct ImageInput {
  absl::string_view file;          ///< a PNG or JPEG file's bytes; used when `pixels` is empty
  absl::Span<const float> pixels;  ///< [3, height, width] as ModelInfo::image says
};

/// The pixel values that a file becomes: decoded, resized and normalised. Takes milliseconds.
/// kInvalidArgument: no picture, one beyond `limits`, or one that does not become of the size that
/// the model of `info` reads; says what was found and what is required. Threads: any.
absl::StatusOr<std::vector<float>> PixelsOf(absl::string_view file, const ImageProcessor& processor,
                                            const ModelInfo& info, const ImageLimits& limits);

/// Bytes of the pixel values of one picture.
int64_t PixelBytes(const ModelInfo& info);

}  // namespace attentiond
