// client/infer_tensors.h -- tensors and texts into KServe v2 requests, and out of the replies.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/tensor/tensor.h"
#include "inference/grpc_service.pb.h"

namespace attentiond::client {

/// Appends an input with its elements as raw contents.
void AddInput(const std::string& name, const TensorView& tensor,
              inference::ModelInferRequest* request);

/// Appends a BYTES input of shape [texts].
void AddTextInput(const std::string& name, absl::Span<const std::string> texts,
                  inference::ModelInferRequest* request);

/// A copy of the output `name`, from raw contents or, of servers that send those, typed ones.
/// kNotFound lists the outputs there are; kInvalidArgument: its type is BYTES, or its bytes do not
/// match its type and shape.
absl::StatusOr<Tensor> GetOutput(const std::string& name,
                                 const inference::ModelInferResponse& response);

/// The elements of a BYTES output. Errors: as GetOutput().
absl::StatusOr<std::vector<std::string>> GetTextOutput(
    const std::string& name, const inference::ModelInferResponse& response);

}  // namespace attentiond::client
