// server/grpc/server_credentials.h -- plaintext or TLS, from PEM files that may change while the
// server runs.
#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "absl/status/statusor.h"
#include "server/grpc/grpc_server.h"
#include "server/logging/logger.h"

namespace attentiond {

/// Plaintext when no certificate is named; otherwise TLS, with client certificates required when a
/// client CA is. The files are read again at every handshake: a renewed certificate holds from the
/// next connection on, and those that are open stay. While the files cannot be read, or the
/// certificate and the key do not fit each other, the last that did are used.
///
/// `logger`, borrowed for as long as the credentials live, is told of changes; may be nullptr.
/// kNotFound: a file cannot be read. kInvalidArgument: a certificate without a key or the reverse,
/// a client CA without a certificate, a file that is not PEM of the expected kind, or a key that is
/// not the certificate's.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const GrpcServerOptions& options, Logger* logger);

}  // namespace attentiond
