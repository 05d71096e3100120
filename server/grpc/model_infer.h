// server/grpc/model_infer.h -- one inference over KServe v2, from message to message; behind
// ModelInfer and behind every request of a ModelStreamInfer stream.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "inference/grpc_service.pb.h"
#include "server/grpc/admission_gate.h"
#include "server/grpc/call_report.h"
#include "server/grpc/service_environment.h"
#include "server/inference/call.h"

namespace attentiond {

/// The parts of an inference; borrowed until `done`, but for the call.
struct InferMessages {
  const inference::ModelInferRequest* request;
  inference::ModelInferResponse* response;
  AdmissionGate::Ticket* ticket;
};

/// How it ended. `model`: nullptr when there is none of that name.
struct InferOutcome {
  absl::Status status;
  std::shared_ptr<LoadedModel> model;
  InferenceUsage usage;
};

/// Finds the model, validates the request and runs it. `done` is called exactly once, from any
/// thread, possibly before this returns; with an error the response has only name, version and id.
/// Never blocks.
void StartModelInfer(const ServiceEnvironment& environment, std::shared_ptr<Call> call,
                     const InferMessages& messages,
                     std::function<void(const InferOutcome& outcome)> done);

}  // namespace attentiond
