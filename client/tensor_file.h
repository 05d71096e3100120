// client/tensor_file.h -- one tensor from a .npy or .safetensors file.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/tensor/tensor.h"

namespace attentiond::client {

/// `place` is FILE.npy, FILE.safetensors:NAME, or FILE.safetensors for the tensor `name` in it.
/// kNotFound: no such file, or no such tensor (lists those there are). kInvalidArgument: a broken
/// file, or another kind of file; one line that starts with its path.
absl::StatusOr<Tensor> ReadTensorFile(const std::string& place, const std::string& name);

}  // namespace attentiond::client
