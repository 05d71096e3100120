#include "server/grpc/image_tensors.h"

#include <utility>

#include "core/base/status_macros.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

absl::StatusOr<std::vector<ImageInput>> ReadFiles(const InputTensors& tensors, bool has_processor) {
  if (tensors.Find("pixel_values") != nullptr) {
    return FieldError("inputs.pixel_values", "is given, and so is image; required is one of them");
  }
  if (!has_processor) {
    return FieldError("inputs.image",
                      "the model has no preprocessor_config.json; pixel_values is required");
  }
  std::vector<ImageInput> inputs;
  for (const absl::string_view file : tensors.Find("image")->elements) {
    inputs.push_back({.file = file, .pixels = {}});
  }
  return inputs;
}

std::vector<ImageInput> ReadPixels(const InputTensor& tensor) {
  const absl::Span<const float> values = tensor.view().values<float>();
  const auto rows = static_cast<size_t>(tensor.shape.dim(0));
  std::vector<ImageInput> inputs;
  for (size_t row = 0; row < rows; ++row) {
    const size_t each = values.size() / rows;
    inputs.push_back({.file = {}, .pixels = values.subspan(row * each, each)});
  }
  return inputs;
}

}  // namespace

absl::StatusOr<ImageTensors> ReadImageTensors(const InputTensors& tensors, bool has_processor) {
  if (tensors.Find("image") != nullptr) {
    ASSIGN_OR_RETURN(std::vector<ImageInput> files, ReadFiles(tensors, has_processor));
    return ImageTensors{std::move(files), "inputs.image"};
  }
  if (const InputTensor* const pixels = tensors.Find("pixel_values")) {
    return ImageTensors{ReadPixels(*pixels), "inputs.pixel_values"};
  }
  return FieldError("inputs.image", "is missing; image or pixel_values is required");
}

}  // namespace attentiond
