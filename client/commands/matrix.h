// client/commands/matrix.h -- a tensor's numbers for the eye.
#pragma once

#include <string>
#include <vector>

#include "core/tensor/tensor.h"

namespace attentiond::client {

/// The last two dimensions as rows of numbers, each matrix of the others under its index
/// ("[0, 1]"), everything past the first 8 rows, columns and matrices as "...". `row_labels` stand
/// before the rows; empty: none. The tensor is f32, f16 or bf16 of at least one dimension.
std::string FormatMatrix(const TensorView& tensor, const std::vector<std::string>& row_labels);

}  // namespace attentiond::client
