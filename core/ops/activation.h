// core/ops/activation.h -- elementwise non-linearities, by the names that checkpoints give them.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/ops/execution_context.h"
#include "core/tensor/activation_kind.h"
#include "core/tensor/dtype.h"

namespace attentiond {

/// The activation that `hidden_act` names in a transformers config; kUnimplemented with the name
/// otherwise.
absl::StatusOr<Activation> ParseActivation(absl::string_view name);

/// In place over `count` values of f32 or bf16.
void ApplyActivation(Activation activation, DType dtype, void* values, int64_t count,
                     ExecutionContext& context);

}  // namespace attentiond
