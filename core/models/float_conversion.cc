// core/models/float_conversion.cc -- plain loops that the compiler vectorises.
#include "core/models/float_conversion.h"

#include <algorithm>
#include <cstring>

#include "core/base/check.h"

namespace attentiond {
namespace {

template <typename Half>
void ConvertAll(const char* from, absl::Span<float> to) {
  for (size_t i = 0; i < to.size(); ++i) {
    Half half;
    std::memcpy(&half, from + i * sizeof(half), sizeof(half));  // a mapped file need not be aligned
    to[i] = ToFloat(half);
  }
}

}  // namespace

void ToFloats(const TensorView& from, int64_t begin, absl::Span<float> to) {
  if (to.empty()) return;
  const char* first =
      static_cast<const char*>(from.data) + static_cast<size_t>(begin) * ByteSize(from.dtype);
  switch (from.dtype) {
    case DType::kF32:
      std::memcpy(to.data(), first, to.size() * sizeof(float));
      return;
    case DType::kF16:
      ConvertAll<Float16>(first, to);
      return;
    case DType::kBF16:
      ConvertAll<BFloat16>(first, to);
      return;
    default:
      ATTENTIOND_CHECK(IsFloating(from.dtype) && from.dtype != DType::kF64);
  }
}

void ToBFloat16s(absl::Span<const float> from, BFloat16* to) {
  std::transform(from.begin(), from.end(), to, ToBFloat16);
}

}  // namespace attentiond
