// core/engine/load_image_processor.h -- how a checkpoint wants its pictures.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/models/vision_config.h"
#include "core/vision/image_processor.h"

namespace attentiond {

/// nullptr when the directory has no preprocessor_config.json: the model takes pixel values alone.
/// Errors of LoadPreprocessorConfig(); kInvalidArgument too when it makes pictures of another size
/// than `config` has.
absl::StatusOr<std::unique_ptr<const ImageProcessor>> LoadImageProcessor(
    const std::string& directory, const VisionConfig& config);

}  // namespace attentiond
