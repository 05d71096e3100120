// client/inference_client.h -- KServe v2 (Open Inference Protocol): health, metadata and inference,
// of attentiond and of every other server that speaks it.
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/unary_caller.h"
#include "inference/grpc_service.grpc.pb.h"

namespace attentiond::client {

/// Requests and replies are the messages of proto/inference; client/infer_tensors.h puts tensors
/// into them and takes them out. Every method blocks, at most options.timeout. Threads and errors:
/// as Client.
class InferenceClient {
 public:
  explicit InferenceClient(const std::shared_ptr<grpc::Channel>& channel,
                           UnaryCaller::Options options = {});

  /// Whether the server takes requests.
  absl::StatusOr<bool> ServerReady(const CallOptions& options = {});
  /// Whether a model takes requests; `version` empty: the newest.
  absl::StatusOr<bool> ModelReady(const std::string& model, const std::string& version = "",
                                  const CallOptions& options = {});
  absl::StatusOr<inference::ServerMetadataResponse> ServerMetadata(const CallOptions& options = {});
  absl::StatusOr<inference::ModelMetadataResponse> ModelMetadata(const std::string& model,
                                                                 const std::string& version = "",
                                                                 const CallOptions& options = {});
  absl::StatusOr<inference::ModelInferResponse> Infer(const inference::ModelInferRequest& request,
                                                      const CallOptions& options = {});

 private:
  UnaryCaller caller_;
  std::unique_ptr<inference::GRPCInferenceService::Stub> stub_;
};

}  // namespace attentiond::client
