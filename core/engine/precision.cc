// core/engine/precision.cc -- chooses between f32, bf16 and int8.
#include "core/engine/precision.h"

#include <cstddef>

#include "absl/strings/str_cat.h"

namespace attentiond {
namespace {

// Smaller matrices are multiplied from the caches: bf16 would save little time and cost digits.
constexpr size_t kLargeBytes = size_t{16} << 20;

/// Whether bf16 loses nothing that the checkpoint has, or saves much. By the matrices alone: they
/// are what is multiplied, and some checkpoints keep norms in f32.
bool SuitsBF16(const Checkpoint& checkpoint) {
  bool has_16_bits = true;
  size_t bytes = 0;
  for (const auto& [name, view] : checkpoint.tensors()) {
    if (view.shape.rank() < 2 || !IsFloating(view.dtype)) continue;
    has_16_bits &= ByteSize(view.dtype) == 2;
    bytes += static_cast<size_t>(view.num_elements()) * sizeof(float);
  }
  return has_16_bits || bytes >= kLargeBytes;
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

int64_t WeightBytes(const Checkpoint& checkpoint, LinearTypes types) {
  const DType matrices = types.weights == DType::kI8 ? DType::kF32 : types.weights;
  int64_t bytes = 0;
  for (const auto& [name, view] : checkpoint.tensors()) {
    if (!IsFloating(view.dtype)) continue;
    const DType dtype = view.shape.rank() < 2 ? DType::kF32 : matrices;
    bytes += view.num_elements() * static_cast<int64_t>(ByteSize(dtype));
  }
  return bytes;
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
  return has_bf16 && SuitsBF16(checkpoint) ? DType::kBF16 : DType::kF32;
}

}  // namespace attentiond
