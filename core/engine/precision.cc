// core/engine/precision.cc -- chooses between f32, bf16 and int8.
#include "core/engine/precision.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

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

absl::Status CheckPrecision(LoadOptions::Precision precision, const Platform& platform) {
  using Precision = LoadOptions::Precision;
  if (precision == Precision::kBF16 && !platform.has_bf16) {
    return absl::UnimplementedError(
        absl::StrCat("this processor (", platform.isa, ") does not multiply bf16; use f32"));
  }
  if (precision == Precision::kInt8 && !platform.has_int8) {
    return absl::UnimplementedError(absl::StrCat(
        "this processor (", platform.isa, ") does not multiply int8, which takes VNNI or AMX; use ",
        platform.has_bf16 ? "bf16 or " : "", "f32"));
  }
  return absl::OkStatus();
}

LinearTypes ComputeTypes(LoadOptions::Precision precision, const Checkpoint& checkpoint,
                         bool has_bf16) {
  switch (precision) {
    case LoadOptions::Precision::kF32:
      return DType::kF32;
    case LoadOptions::Precision::kBF16:
      return DType::kBF16;
    case LoadOptions::Precision::kInt8:
      return {has_bf16 ? DType::kBF16 : DType::kF32, DType::kI8};
    case LoadOptions::Precision::kAuto:
      break;
  }
  return has_bf16 && MatricesHave16Bits(checkpoint) ? DType::kBF16 : DType::kF32;
}

}  // namespace attentiond
