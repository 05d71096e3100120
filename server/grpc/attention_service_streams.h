// server/grpc/attention_service_streams.h -- the RPCs of attentiond.v1 that answer with a stream.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "server/grpc/service_environment.h"

namespace attentiond {

/// Each starts the work of a request and returns what gRPC is to write; see UpdateStream. `request`
/// is read before they return.
grpc::ServerWriteReactor<grpc::ByteBuffer>* StartTranslateStream(
    const ServiceEnvironment& environment, grpc::CallbackServerContext* context,
    const grpc::ByteBuffer* request);
grpc::ServerWriteReactor<grpc::ByteBuffer>* StartCaptionStream(
    const ServiceEnvironment& environment, grpc::CallbackServerContext* context,
    const grpc::ByteBuffer* request);

}  // namespace attentiond
