// core/tensor/tensor.h -- dense row-major tensors: borrowed views and an owner.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "core/tensor/aligned_buffer.h"
#include "core/tensor/dtype.h"
#include "core/tensor/shape.h"

namespace attentiond {

/// A borrowed, read-only, row-major tensor. Copyable; owns nothing. `data` need not be aligned to
/// the element unless the function that takes it says so.
struct TensorView {
  const void* data = nullptr;
  DType dtype = DType::kF32;
  Shape shape;

  int64_t num_elements() const { return shape.num_elements(); }
  size_t num_bytes() const { return static_cast<size_t>(num_elements()) * ByteSize(dtype); }
  /// The elements as T; the caller has checked `dtype`.
  template <typename T>
  absl::Span<const T> values() const {
    return {static_cast<const T*>(data), static_cast<size_t>(num_elements())};
  }
};

/// A borrowed, writable, row-major tensor.
struct MutableTensorView {
  void* data = nullptr;
  DType dtype = DType::kF32;
  Shape shape;

  int64_t num_elements() const { return shape.num_elements(); }
  size_t num_bytes() const { return static_cast<size_t>(num_elements()) * ByteSize(dtype); }
  template <typename T>
  absl::Span<T> values() const {
    return {static_cast<T*>(data), static_cast<size_t>(num_elements())};
  }
  operator TensorView() const {
    return {data, dtype, shape};
  }  // NOLINT: a view widens to a const view
};

/// An owning tensor, 64-byte aligned, not initialised. Movable.
class Tensor {
 public:
  Tensor() = default;
  Tensor(DType dtype, Shape shape)
      : dtype_(dtype),
        shape_(std::move(shape)),
        buffer_(static_cast<size_t>(shape_.num_elements()) * ByteSize(dtype)) {}

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  TensorView view() const { return {buffer_.data(), dtype_, shape_}; }
  MutableTensorView mutable_view() { return {buffer_.data(), dtype_, shape_}; }
  template <typename T>
  absl::Span<T> values() {
    return mutable_view().values<T>();
  }
  template <typename T>
  absl::Span<const T> values() const {
    return view().values<T>();
  }

 private:
  DType dtype_ = DType::kF32;
  Shape shape_{0};
  AlignedBuffer buffer_;
};

}  // namespace attentiond
