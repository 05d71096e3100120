// core/tensor/shape.h -- the dimensions of a tensor, checked once so that later arithmetic cannot
// overflow.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace attentiond {

/// Dimensions, outermost first. A Shape always has at most 2^59 elements and no negative dimension.
class Shape {
 public:
  static constexpr int kMaxRank = 8;

  /// Rank 0: one element.
  Shape() = default;
  /// For dimensions that the program itself chose; CHECK-fails when they are not valid.
  Shape(std::initializer_list<int64_t> dims);

  /// For dimensions from outside. kInvalidArgument names the negative dimension, the rank or the
  /// overflow.
  static absl::StatusOr<Shape> Create(absl::Span<const int64_t> dims);

  int rank() const { return static_cast<int>(dims_.size()); }
  int64_t dim(int axis) const { return dims_[static_cast<size_t>(axis)]; }
  absl::Span<const int64_t> dims() const { return dims_; }
  /// 1 for rank 0, 0 when a dimension is 0.
  int64_t num_elements() const { return num_elements_; }
  /// "[2, 8, 128, 64]".
  std::string ToString() const;

  friend bool operator==(const Shape& a, const Shape& b) { return a.dims_ == b.dims_; }

 private:
  absl::InlinedVector<int64_t, 4> dims_;
  int64_t num_elements_ = 1;
};

}  // namespace attentiond
