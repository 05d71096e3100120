// server/grpc/stream_infer.h -- ModelStreamInfer: many inferences over one stream, answered in the
// order of the requests.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "server/grpc/service_environment.h"

namespace attentiond {

/// A reactor that reads requests, works on up to limits.max_stream_in_flight of them at a time, and
/// writes replies. An error becomes an error_message and the stream goes on, unless the client sent
/// the metadata `triton_grpc_error: true`: then the stream ends with the first error. Deletes
/// itself.
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StartStreamInfer(
    const ServiceEnvironment& environment, grpc::CallbackServerContext* context);

}  // namespace attentiond
