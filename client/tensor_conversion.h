// client/tensor_conversion.h -- attentiond.v1.Tensor from and to the core's tensors.
#pragma once

#include "absl/status/statusor.h"
#include "attentiond/v1/attention_service.pb.h"
#include "core/tensor/tensor.h"

namespace attentiond::client {

/// kInvalidArgument names a type that the protocol does not have (f64, most integers).
absl::StatusOr<v1::Tensor> ToProto(const TensorView& tensor);

/// A view of the message's bytes, which must outlive it. kInvalidArgument: an unknown type, a bad
/// shape, or another number of bytes than both need.
absl::StatusOr<TensorView> FromProto(const v1::Tensor& tensor);

/// The elements as f32. kInvalidArgument: not a floating type.
absl::StatusOr<Tensor> ToFloat32(const TensorView& tensor);

/// The elements rounded to `dtype`: kF32, kF16 or kBF16. kInvalidArgument: not a floating type.
absl::StatusOr<Tensor> ToFloating(const TensorView& tensor, DType dtype);

}  // namespace attentiond::client
