#include "core/tensor/shape.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/check.h"

namespace attentiond {
namespace {

// Elements of up to 8 bytes then fit in an int64_t of bytes only up to 2^60; stay well below.
constexpr int64_t kMaxElements = int64_t{1} << 59;

std::string Format(absl::Span<const int64_t> dims) {
  return absl::StrCat("[", absl::StrJoin(dims, ", "), "]");
}

}  // namespace

Shape::Shape(std::initializer_list<int64_t> dims) {
  auto shape = Create(absl::MakeConstSpan(dims.begin(), dims.size()));
  ATTENTIOND_CHECK(shape.ok());
  *this = *std::move(shape);
}

absl::StatusOr<Shape> Shape::Create(absl::Span<const int64_t> dims) {
  if (dims.size() > kMaxRank) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a shape has ", dims.size(), " dimensions, at most ", kMaxRank, " are supported"));
  }
  Shape shape;
  shape.dims_.assign(dims.begin(), dims.end());
  bool empty = false;
  for (const int64_t dim : dims) {
    if (dim < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape ", Format(dims), " has a negative dimension"));
    }
    empty |= dim == 0;
    int64_t product = 0;
    // The product is bounded over the non-zero dimensions too, so that strides cannot overflow
    // either.
    if (__builtin_mul_overflow(shape.num_elements_, dim == 0 ? 1 : dim, &product) ||
        product > kMaxElements) {
      return absl::InvalidArgumentError(
          absl::StrCat("shape ", Format(dims), " has too many elements"));
    }
    shape.num_elements_ = product;
  }
  if (empty) shape.num_elements_ = 0;
  return shape;
}

std::string Shape::ToString() const { return Format(dims_); }

}  // namespace attentiond
