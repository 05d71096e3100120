// server/grpc/tensor_conversion.h -- the input tensors of a ModelInferRequest as checked views.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/tensor/shape.h"
#include "core/tensor/tensor.h"
#include "inference/grpc_service.pb.h"
#include "server/grpc/model_signature.h"

namespace attentiond {

/// One input, as the request has it: nothing is copied.
struct InputTensor {
  WireType type;
  Shape shape;
  const void* data = nullptr;               ///< the elements, row-major; nullptr for BYTES
  std::vector<absl::string_view> elements;  ///< of BYTES: one each

  /// The caller knows that the type is not BYTES.
  TensorView view() const { return {data, *type, shape}; }
};

/// The inputs of one request. Valid as long as the request.
class InputTensors {
 public:
  /// Checks every input against the model's `specs`: known, once, of an accepted type, of the
  /// spec's rank and fixed dimensions, with exactly as many elements as its shape says, and those
  /// in one place: all inputs in raw_input_contents, or each in the field of `contents` that
  /// belongs to its type. With `max_rows` >= 0 the first dimension is at most that. Errors
  /// kInvalidArgument, a FieldError() of "inputs.NAME": what was found, what is required.
  static absl::StatusOr<InputTensors> Read(const inference::ModelInferRequest& request,
                                           const std::vector<TensorSpec>& specs, int64_t max_rows);

  /// nullptr: not in the request.
  const InputTensor* Find(absl::string_view name) const;

 private:
  struct Named {
    absl::string_view name;  ///< the spec's
    InputTensor tensor;
  };
  std::vector<Named> tensors_;
};

/// "[-1, 12, 64]": a spec's shape, -1 for any length.
std::string ShapeToString(absl::Span<const int64_t> dims);

}  // namespace attentiond
