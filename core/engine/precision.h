// core/engine/precision.h -- the type that a model computes in.
#pragma once

#include "core/engine/model.h"
#include "core/weights/checkpoint.h"

namespace attentiond {

/// kF32 or kBF16, as LoadOptions::Precision says; `has_bf16`: this processor multiplies bf16.
DType ComputeType(LoadOptions::Precision precision, const Checkpoint& checkpoint, bool has_bf16);

}  // namespace attentiond
