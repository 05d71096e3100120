// core/vision/preprocessor_config.h -- what preprocessor_config.json says of a checkpoint's
// pictures.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/vision/image_size.h"
#include "core/vision/resample.h"

namespace attentiond {

/// What a picture is resized to: a size, or one that keeps its proportions.
struct ResizeTarget {
  std::optional<ImageSize> size = std::nullopt;
  int64_t shortest_edge = 0;  ///< without `size`: the shorter side's length
  int64_t longest_edge = 0;   ///< 0: none; else the longer side is not longer than that
};

/// The steps in their order. Every side is 1 to kMaxSide.
struct PreprocessorConfig {
  static constexpr int64_t kMaxSide = 8192;

  std::string type;  ///< "ViTImageProcessor"
  std::optional<ResizeTarget> resize;
  Resampling resample = Resampling::kBilinear;
  std::optional<ImageSize> crop;         ///< around the centre; smaller pictures get black borders
  std::optional<double> rescale_factor;  ///< pixels are multiplied by it
  struct Normalization {
    std::array<double, 3> mean, deviation;
  };
  std::optional<Normalization> normalize;  ///< then (x - mean) / deviation, by channel

  /// The size that every picture gets; none when it depends on the picture.
  std::optional<ImageSize> OutputSize() const;
};

/// Parses the object of `image_processor_type` (or the older feature_extractor_type) ViT-, DeiT-,
/// Blip- or CLIPImageProcessor, with "Fast" or "Pil" behind it or without, whose defaults are for
/// the keys that it leaves out. An object without a type is of `default_type`.
///   kInvalidArgument  a key of the wrong type or out of range: names it, what was found and what
///   is
///                     required
///   kUnimplemented    another type, or a step that is not supported: names it
absl::StatusOr<PreprocessorConfig> ParsePreprocessorConfig(const nlohmann::json& json,
                                                           absl::string_view default_type);

/// Of a checkpoint's directory: "image_processor" of processor_config.json if it is there, else
/// preprocessor_config.json. Messages begin with the file. kNotFound: neither is there.
absl::StatusOr<PreprocessorConfig> LoadPreprocessorConfig(const std::string& directory,
                                                          absl::string_view default_type);

}  // namespace attentiond
