// server/grpc/infer_operation.h -- a ModelInferRequest, converted and checked, ready to run. One
// kind of operation per kind of model; each is a file infer_<kind>.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "inference/grpc_service.pb.h"
#include "server/grpc/admission_gate.h"
#include "server/grpc/infer_parameters.h"
#include "server/grpc/service_environment.h"
#include "server/inference/inference.h"

namespace attentiond {

/// Called exactly once, from any thread. With OK the response has its outputs.
using InferDone = std::function<void(absl::Status status, const CallTiming& timing,
                                     absl::Duration convert_output)>;

/// Borrows request, response and ticket of the InferInput that it was made from.
class InferOperation {
 public:
  virtual ~InferOperation() = default;
  /// Rows that the statistics count.
  virtual int64_t rows() const = 0;
  /// Starts the work. Once. The operation, and what it borrows, must outlive the call of `done`.
  virtual void Run(Inference* inference, std::shared_ptr<LoadedModel> model,
                   std::shared_ptr<Call> call, InferDone done) = 0;
};

/// What an operation is made from. Everything is borrowed.
struct InferInput {
  const inference::ModelInferRequest& request;
  const ModelInfo* info;                     ///< nullptr: the built-in model "attention"
  bool has_tokenizer;                        ///< of a text encoder
  bool has_image_processor;                  ///< of an image classifier
  const TextGenerator* generator = nullptr;  ///< of a model that writes text
  InferParameters& parameters;               ///< those that every model has are read already
  const RequestLimits& limits;
  Clock* clock;
  AdmissionGate::Ticket* ticket;
  inference::ModelInferResponse* response;
};

/// Validates all of the request; nothing is started. Touches nothing but `input`: what a fuzzer
/// calls. Errors  kInvalidArgument, mostly a FieldError(); kResourceExhausted.
absl::StatusOr<std::unique_ptr<InferOperation>> MakeInferOperation(const InferInput& input);

absl::StatusOr<std::unique_ptr<InferOperation>> MakeAttentionOperation(const InferInput& input);
absl::StatusOr<std::unique_ptr<InferOperation>> MakeAttentionLayerOperation(
    const InferInput& input);
absl::StatusOr<std::unique_ptr<InferOperation>> MakeGenerationOperation(const InferInput& input);
absl::StatusOr<std::unique_ptr<InferOperation>> MakeTextEncoderOperation(const InferInput& input);
absl::StatusOr<std::unique_ptr<InferOperation>> MakeImageClassifierOperation(
    const InferInput& input);

}  // namespace attentiond
