// core/engine/encoder_row_validation.h -- what a row must be before an encoder runs it.
#pragma once

#include "absl/status/status.h"
#include "core/engine/model.h"

namespace attentiond {

/// The constraints of EncoderRow for a model of `info`. kInvalidArgument names the field, what was
/// found and what is required.
absl::Status ValidateEncoderRow(const EncoderRow& row, const ModelInfo& info);

}  // namespace attentiond
