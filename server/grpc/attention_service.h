// server/grpc/attention_service.h -- attentiond.v1.AttentionService, the typed surface.
//
// What is fixed is proto/attentiond/v1; each RPC is in attention_service_<rpc>.cc.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "attentiond/v1/attention_service.grpc.pb.h"
#include "server/grpc/service_environment.h"

namespace attentiond {

/// The generated service with every method taking bytes: message_codec.h says why.
using RawAttentionService = v1::AttentionService::WithRawCallbackMethod_Attend<
    v1::AttentionService::WithRawCallbackMethod_Classify<
        v1::AttentionService::WithRawCallbackMethod_Embed<
            v1::AttentionService::WithRawCallbackMethod_Explain<
                v1::AttentionService::WithRawCallbackMethod_Translate<
                    v1::AttentionService::WithRawCallbackMethod_TranslateStream<
                        v1::AttentionService::WithRawCallbackMethod_Caption<
                            v1::AttentionService::WithRawCallbackMethod_CaptionStream<
                                v1::AttentionService::WithRawCallbackMethod_Tokenize<
                                    v1::AttentionService::WithRawCallbackMethod_ListModels<
                                        v1::AttentionService::Service>>>>>>>>>>;

/// Threads: gRPC calls the methods concurrently; none of them blocks.
class AttentionService final : public RawAttentionService {
 public:
  /// `environment` is borrowed for as long as the server lives.
  explicit AttentionService(const ServiceEnvironment& environment) : environment_(environment) {}

  grpc::ServerUnaryReactor* Attend(grpc::CallbackServerContext* context,
                                   const grpc::ByteBuffer* request,
                                   grpc::ByteBuffer* reply) override;
  grpc::ServerUnaryReactor* Classify(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* reply) override;
  grpc::ServerUnaryReactor* Embed(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* reply) override;
  grpc::ServerUnaryReactor* Explain(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* reply) override;
  grpc::ServerUnaryReactor* Translate(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* reply) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* TranslateStream(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* Caption(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* reply) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* CaptionStream(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* Tokenize(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* reply) override;
  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* reply) override;

 private:
  const ServiceEnvironment& environment_;
};

}  // namespace attentiond
