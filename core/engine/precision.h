// core/engine/precision.h -- the types that a model computes in.
#pragma once

#include "core/engine/model.h"
#include "core/ops/linear.h"
#include "core/weights/checkpoint.h"

namespace attentiond {

/// As LoadOptions::Precision says; `has_bf16`: this processor multiplies bf16.
LinearTypes ComputeTypes(LoadOptions::Precision precision, const Checkpoint& checkpoint,
                         bool has_bf16);

/// The most that the weights take at one time while they are loaded so, and afterwards: the
/// floating point tensors, matrices in the type that is multiplied and the rest in f32. For int8
/// that is the f32 model which it is compared with.
int64_t WeightBytes(const Checkpoint& checkpoint, LinearTypes types);

}  // namespace attentiond
