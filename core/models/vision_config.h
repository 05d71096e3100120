// core/models/vision_config.h -- what a config.json says of an encoder of pictures, and how
// families of them name it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/models/encoder_config.h"
#include "core/vision/preprocessor_config.h"

namespace attentiond {

/// What a configuration means that leaves a key out.
struct VisionDefaults {
  int64_t image_size = 224;
  double layer_norm_eps = 1e-12;
};

/// What differs between the families, as data. Their layers are described as those of texts are.
struct VisionFamily {
  EncoderFamily layers;  ///< model_type, class_name, prefix, names of the layers' weights
  VisionDefaults defaults = {};
  const char* patches = "embeddings.patch_embeddings.projection";  ///< a convolution
  const char* positions = "embeddings.position_embeddings";
  const char* first_token = "embeddings.cls_token";
  const char* second_token = nullptr;                 ///< nullptr: there is none
  const char* image_processor = "ViTImageProcessor";  ///< unless the checkpoint says another
  bool has_classifier = true;                         ///< ...ForImageClassification
};

absl::Span<const VisionFamily> VisionFamilies();
/// nullptr when there is none of this model_type.
const VisionFamily* FindVisionFamily(absl::string_view model_type);

/// Checked: every size is positive and bounded, so that products of any fit in 63 bits.
struct VisionConfig {
  const VisionFamily* family = nullptr;
  EncoderConfig layers;  ///< sizes, heads, activation; nothing of texts
  ImageSize image, patch;
  int64_t channels = 3;

  int64_t rows() const { return image.height / patch.height; }
  int64_t columns() const { return image.width / patch.width; }
  int64_t patches() const { return rows() * columns(); }
  /// Tokens before those of the patches.
  int64_t leading_tokens() const { return family->second_token == nullptr ? 1 : 2; }
  /// Tokens of each picture.
  int64_t tokens() const { return leading_tokens() + patches(); }
  int64_t patch_values() const { return channels * patch.height * patch.width; }
  int64_t image_values() const { return channels * image.height * image.width; }
};

/// Parses the object: all of config.json, or what it says of the encoder. Errors as
/// ParseEncoderConfig(), without the file's name.
absl::StatusOr<VisionConfig> ParseVisionConfig(const VisionFamily& family,
                                               const nlohmann::json& object);

}  // namespace attentiond
