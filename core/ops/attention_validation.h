// core/ops/attention_validation.h -- the constraints of AttentionArgs. Private to core/ops.
#pragma once

#include "absl/status/status.h"
#include "core/tensor/attention_args.h"

namespace attentiond {

/// kInvalidArgument names the field that breaks its constraint, what was found and what is
/// required. Allocates nothing when all is well.
absl::Status ValidateAttention(const AttentionArgs& args, const AttentionOutputs& outputs);

}  // namespace attentiond
