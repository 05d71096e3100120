// server/grpc/infer_tensors.h -- what a ModelInferRequest to a loaded model brings and asks for.
#pragma once

#include "absl/status/statusor.h"
#include "server/grpc/infer_operation.h"
#include "server/grpc/infer_outputs.h"
#include "server/grpc/tensor_conversion.h"

namespace attentiond {

struct InferTensors {
  InputTensors inputs;
  RequestedOutputs wanted;
};

/// Both by the signature of the model, which is not the built-in one; its limits are those of rows.
/// Errors: those of InputTensors::Read() and RequestedOutputs::Read().
absl::StatusOr<InferTensors> ReadTensors(const InferInput& input);

}  // namespace attentiond
