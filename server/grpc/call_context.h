// server/grpc/call_context.h -- from gRPC's view of an RPC to the server's Call.
#pragma once

#include <grpcpp/server_context.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/grpc/service_environment.h"
#include "server/inference/call.h"

namespace attentiond {

/// The metadata key of a request id, in both directions.
inline constexpr char kRequestIdMetadata[] = "x-request-id";

/// The first value of `key`; empty when there is none. Valid as long as `context`.
absl::string_view ClientMetadata(const grpc::CallbackServerContext& context, const char* key);

/// A Call that arrives now: id (the client's when it is valid, else a new one), deadline on the
/// environment's clock, peer, trace.
std::shared_ptr<Call> MakeCall(const ServiceEnvironment& environment,
                               const grpc::CallbackServerContext& context,
                               absl::string_view method);

/// kUnauthenticated unless the caller's bearer token is accepted, or none is required.
absl::Status Authenticate(const ServiceEnvironment& environment,
                          const grpc::CallbackServerContext& context);

}  // namespace attentiond
