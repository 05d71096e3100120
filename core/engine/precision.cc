// core/engine/precision.cc -- chooses between f32 and bf16.
#include "core/engine/precision.h"

#include <algorithm>

namespace attentiond {
namespace {

/// Of the matrices alone: they are what is multiplied, and some checkpoints keep norms in f32.
bool MatricesHave16Bits(const Checkpoint& checkpoint) {
  return std::all_of(
      checkpoint.tensors().begin(), checkpoint.tensors().end(), [](const auto& tensor) {
        const TensorView& view = tensor.second;
        return view.shape.rank() < 2 || !IsFloating(view.dtype) || ByteSize(view.dtype) == 2;
      });
}

}  // namespace

DType ComputeType(LoadOptions::Precision precision, const Checkpoint& checkpoint, bool has_bf16) {
  switch (precision) {
    case LoadOptions::Precision::kF32:
      return DType::kF32;
    case LoadOptions::Precision::kBF16:
      return DType::kBF16;
    case LoadOptions::Precision::kAuto:
      break;
  }
  return has_bf16 && MatricesHave16Bits(checkpoint) ? DType::kBF16 : DType::kF32;
}

}  // namespace attentiond
