// core/engine/load_image_processor.cc -- reads the file, and compares sizes.
#include "core/engine/load_image_processor.h"

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace attentiond {

absl::StatusOr<std::unique_ptr<const ImageProcessor>> LoadImageProcessor(
    const std::string& directory, const VisionConfig& config) {
  const auto preprocessor = LoadPreprocessorConfig(directory, config.family->image_processor);
  if (absl::IsNotFound(preprocessor.status())) return nullptr;
  RETURN_IF_ERROR(preprocessor.status());
  const std::optional<ImageSize> size = preprocessor->OutputSize();
  // Sizes that depend on the picture are checked picture by picture.
  if (size && *size != config.image) {
    return absl::InvalidArgumentError(
        absl::StrCat(directory, ": preprocessor_config.json makes pictures of ", size->height,
                     " x ", size->width, " (height x width), \"image_size\" of config.json is ",
                     config.image.height, " x ", config.image.width));
  }
  return std::make_unique<const ImageProcessor>(*preprocessor);
}

}  // namespace attentiond
