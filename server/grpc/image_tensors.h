// server/grpc/image_tensors.h -- the pictures of a request over KServe v2.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/grpc/tensor_conversion.h"
#include "server/inference/image_inputs.h"

namespace attentiond {

struct ImageTensors {
  std::vector<ImageInput> inputs;  ///< views into the request
  absl::string_view field;         ///< what they came in: "inputs.image"
};

/// Takes `image` [N] or `pixel_values` [N, 3, height, width]. kInvalidArgument, a FieldError() of
/// "inputs.NAME": not one of the two, or files for a model that `has_processor` is false of.
absl::StatusOr<ImageTensors> ReadImageTensors(const InputTensors& tensors, bool has_processor);

}  // namespace attentiond
