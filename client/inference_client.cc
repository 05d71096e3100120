#include "client/inference_client.h"

#include <utility>

#include "core/base/status_macros.h"

namespace attentiond::client {

using inference::GRPCInferenceService;

InferenceClient::InferenceClient(const std::shared_ptr<grpc::Channel>& channel,
                                 UnaryCaller::Options options)
    : caller_(std::move(options)), stub_(GRPCInferenceService::NewStub(channel)) {}

absl::StatusOr<bool> InferenceClient::ServerReady(const CallOptions& options) {
  ASSIGN_OR_RETURN(const inference::ServerReadyResponse response,
                   caller_.Call(stub_.get(), &GRPCInferenceService::Stub::ServerReady,
                                inference::ServerReadyRequest(), options));
  return response.ready();
}

absl::StatusOr<bool> InferenceClient::ModelReady(const std::string& model,
                                                 const std::string& version,
                                                 const CallOptions& options) {
  inference::ModelReadyRequest request;
  request.set_name(model);
  request.set_version(version);
  ASSIGN_OR_RETURN(
      const inference::ModelReadyResponse response,
      caller_.Call(stub_.get(), &GRPCInferenceService::Stub::ModelReady, request, options));
  return response.ready();
}

absl::StatusOr<inference::ServerMetadataResponse> InferenceClient::ServerMetadata(
    const CallOptions& options) {
  return caller_.Call(stub_.get(), &GRPCInferenceService::Stub::ServerMetadata,
                      inference::ServerMetadataRequest(), options);
}

absl::StatusOr<inference::ModelMetadataResponse> InferenceClient::ModelMetadata(
    const std::string& model, const std::string& version, const CallOptions& options) {
  inference::ModelMetadataRequest request;
  request.set_name(model);
  request.set_version(version);
  return caller_.Call(stub_.get(), &GRPCInferenceService::Stub::ModelMetadata, request, options);
}

absl::StatusOr<inference::ModelInferResponse> InferenceClient::Infer(
    const inference::ModelInferRequest& request, const CallOptions& options) {
  return caller_.Call(stub_.get(), &GRPCInferenceService::Stub::ModelInfer, request, options);
}

}  // namespace attentiond::client
