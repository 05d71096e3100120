// server/grpc/kserve_service.h -- inference.GRPCInferenceService: the KServe v2 RPCs.
#pragma once

#include "inference/grpc_service.grpc.pb.h"
#include "server/grpc/background_worker.h"
#include "server/grpc/service_environment.h"
#include "server/grpc/unary_reactor.h"

namespace attentiond {

/// The generated service. Inference is served raw (server/grpc/message_codec.h says
/// why), all else from parsed messages.
using KserveRpcs = inference::GRPCInferenceService;
using KserveServiceBase =
    KserveRpcs::WithRawCallbackMethod_ModelInfer<KserveRpcs::WithRawCallbackMethod_ModelStreamInfer<
        KserveRpcs::WithCallbackMethod_ServerLive<KserveRpcs::WithCallbackMethod_ServerReady<
            KserveRpcs::WithCallbackMethod_ModelReady<KserveRpcs::WithCallbackMethod_ServerMetadata<
                KserveRpcs::WithCallbackMethod_ModelMetadata<
                    KserveRpcs::WithCallbackMethod_ModelConfig<
                        KserveRpcs::WithCallbackMethod_ModelStatistics<
                            KserveRpcs::WithCallbackMethod_RepositoryIndex<
                                KserveRpcs::WithCallbackMethod_RepositoryModelLoad<
                                    KserveRpcs::WithCallbackMethod_RepositoryModelUnload<
                                        KserveRpcs::Service>>>>>>>>>>>>;

/// Threads: gRPC calls the handlers concurrently; none of them blocks.
class KserveService final : public KserveServiceBase {
 public:
  /// `environment` is borrowed. Destroy the service after its server.
  explicit KserveService(const ServiceEnvironment& environment);

  grpc::ServerUnaryReactor* ServerLive(grpc::CallbackServerContext* context,
                                       const inference::ServerLiveRequest* request,
                                       inference::ServerLiveResponse* response) override;
  grpc::ServerUnaryReactor* ServerReady(grpc::CallbackServerContext* context,
                                        const inference::ServerReadyRequest* request,
                                        inference::ServerReadyResponse* response) override;
  grpc::ServerUnaryReactor* ModelReady(grpc::CallbackServerContext* context,
                                       const inference::ModelReadyRequest* request,
                                       inference::ModelReadyResponse* response) override;
  grpc::ServerUnaryReactor* ServerMetadata(grpc::CallbackServerContext* context,
                                           const inference::ServerMetadataRequest* request,
                                           inference::ServerMetadataResponse* response) override;
  grpc::ServerUnaryReactor* ModelMetadata(grpc::CallbackServerContext* context,
                                          const inference::ModelMetadataRequest* request,
                                          inference::ModelMetadataResponse* response) override;
  grpc::ServerUnaryReactor* ModelConfig(grpc::CallbackServerContext* context,
                                        const inference::ModelConfigRequest* request,
                                        inference::ModelConfigResponse* response) override;
  grpc::ServerUnaryReactor* ModelStatistics(grpc::CallbackServerContext* context,
                                            const inference::ModelStatisticsRequest* request,
                                            inference::ModelStatisticsResponse* response) override;
  grpc::ServerUnaryReactor* RepositoryIndex(grpc::CallbackServerContext* context,
                                            const inference::RepositoryIndexRequest* request,
                                            inference::RepositoryIndexResponse* response) override;
  grpc::ServerUnaryReactor* RepositoryModelLoad(
      grpc::CallbackServerContext* context, const inference::RepositoryModelLoadRequest* request,
      inference::RepositoryModelLoadResponse* response) override;
  grpc::ServerUnaryReactor* RepositoryModelUnload(
      grpc::CallbackServerContext* context, const inference::RepositoryModelUnloadRequest* request,
      inference::RepositoryModelUnloadResponse* response) override;
  grpc::ServerUnaryReactor* ModelInfer(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ModelStreamInfer(
      grpc::CallbackServerContext* context) override;

 private:
  const ServiceEnvironment& environment_;
  BackgroundWorker worker_;
};

}  // namespace attentiond
