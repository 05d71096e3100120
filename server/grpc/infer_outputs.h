// server/grpc/infer_outputs.h -- which outputs a request asked for, and the response that they are
// written into.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/tensor/tensor.h"
#include "inference/grpc_service.pb.h"
#include "server/grpc/admission_gate.h"
#include "server/grpc/model_signature.h"

namespace attentiond {

/// The outputs of a request, in the order that it asked for; the model's default ones when it asked
/// for none.
class RequestedOutputs {
 public:
  /// kInvalidArgument, a FieldError() of "outputs": an unknown name, one twice, or a parameter.
  static absl::StatusOr<RequestedOutputs> Read(const inference::ModelInferRequest& request,
                                               const std::vector<TensorSpec>& specs);

  /// Names of specs; they live as long as the program.
  const std::vector<absl::string_view>& names() const { return names_; }
  bool Has(absl::string_view name) const;

 private:
  std::vector<absl::string_view> names_;
};

/// Adds outputs to a response, each with its raw contents, and keeps the whole below a limit.
class ResponseWriter {
 public:
  /// All are borrowed. `ticket` accounts for what the outputs take; `max_bytes` is the limit of all
  /// raw contents together.
  ResponseWriter(inference::ModelInferResponse* response, AdmissionGate::Ticket* ticket,
                 int64_t max_bytes)
      : response_(response), ticket_(ticket), max_bytes_(max_bytes) {}

  /// Reserves room for raw contents that will be added later.
  /// kInvalidArgument: more than the limit, a FieldError() of "outputs.NAME"; kResourceExhausted:
  /// more than the server has left.
  absl::Status Reserve(absl::string_view name, DType dtype, absl::Span<const int64_t> dims);

  /// Adds an output whose room is reserved, zeroed; the result is where to write the elements. It
  /// stays valid when further outputs are added.
  MutableTensorView Add(absl::string_view name, DType dtype, const Shape& shape);

  /// Adds a BYTES output of these dimensions, or of one; needs no reservation.
  void AddBytes(absl::string_view name, const std::vector<std::string>& elements,
                absl::Span<const int64_t> dims);
  void AddBytes(absl::string_view name, const std::vector<std::string>& elements) {
    AddBytes(name, elements, {static_cast<int64_t>(elements.size())});
  }

 private:
  inference::ModelInferResponse::InferOutputTensor* AddHeader(absl::string_view name,
                                                              absl::string_view type,
                                                              absl::Span<const int64_t> dims);

  inference::ModelInferResponse* const response_;
  AdmissionGate::Ticket* const ticket_;
  const int64_t max_bytes_;
  int64_t reserved_bytes_ = 0;
};

}  // namespace attentiond
