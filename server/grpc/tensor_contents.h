// server/grpc/tensor_contents.h -- where the elements of one input are in its message.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/tensor/shape.h"
#include "inference/grpc_service.pb.h"
#include "server/grpc/model_signature.h"

namespace attentiond {

/// The elements of a BYTES tensor from its raw form: for each element a 4-byte little-endian
/// length, then the bytes. Views into `raw`. kInvalidArgument: `raw` does not hold exactly `count`
/// elements.
absl::StatusOr<std::vector<absl::string_view>> SplitRawBytes(absl::string_view raw, int64_t count);

/// The elements of a tensor of fixed-size elements from its typed field: a pointer into `contents`.
/// kInvalidArgument: another field than that of `dtype` is filled, or not with exactly `count`
/// elements; the type has no field (FP16, BF16), or one of another width (INT8 and the like).
absl::StatusOr<const void*> TypedElements(const inference::InferTensorContents& contents,
                                          DType dtype, int64_t count);

/// The same for BYTES.
absl::StatusOr<std::vector<absl::string_view>> TypedBytes(
    const inference::InferTensorContents& contents, int64_t count);

/// True when a field of `contents` has an element.
bool HasElements(const inference::InferTensorContents& contents);

}  // namespace attentiond
