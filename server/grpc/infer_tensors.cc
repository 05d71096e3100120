// server/grpc/infer_tensors.cc -- inputs and outputs against a model's signature.
#include "server/grpc/infer_tensors.h"

#include <utility>

#include "core/base/status_macros.h"
#include "server/grpc/model_signature.h"

namespace attentiond {

absl::StatusOr<InferTensors> ReadTensors(const InferInput& input) {
  const ModelSignature signature = SignatureOf(input.info);
  ASSIGN_OR_RETURN(InputTensors inputs,
                   InputTensors::Read(input.request, signature.inputs, input.limits.max_rows));
  ASSIGN_OR_RETURN(RequestedOutputs wanted,
                   RequestedOutputs::Read(input.request, signature.outputs));
  return InferTensors{std::move(inputs), std::move(wanted)};
}

}  // namespace attentiond
