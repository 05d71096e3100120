// server/grpc/server_credentials.h -- plaintext or TLS, from PEM files.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "absl/status/statusor.h"
#include "server/grpc/grpc_server.h"

namespace attentiond {

/// Plaintext when no certificate is named; otherwise TLS, with client certificates required when a
/// client CA is.
/// kNotFound: a file cannot be read. kInvalidArgument: a certificate without a key or the reverse,
/// a client CA without a certificate, or a file that is not PEM of the expected kind.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const GrpcServerOptions& options);

}  // namespace attentiond
