// core/engine/precision.h -- the types that a model computes in.
#pragma once

#include "core/engine/model.h"
#include "core/ops/linear.h"
#include "core/weights/checkpoint.h"

namespace attentiond {

/// As LoadOptions::Precision says; `has_bf16`: this processor multiplies bf16.
LinearTypes ComputeTypes(LoadOptions::Precision precision, const Checkpoint& checkpoint,
                         bool has_bf16);

}  // namespace attentiond
