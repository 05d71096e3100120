#include "client/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <climits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/file.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

constexpr int64_t kMaxPemBytes = int64_t{1} << 20;

absl::Status ReadPem(const std::string& path, std::string* pem) {
  if (path.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(*pem, ReadFile(path, kMaxPemBytes));
  // gRPC reports a file of anything else only as a failed handshake, much later.
  if (!absl::StrContains(*pem, "-----BEGIN ")) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": is not a PEM file"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> Credentials(
    const ChannelOptions& options) {
  const bool tls = options.tls || !options.tls_ca_file.empty() || !options.tls_cert_file.empty() ||
                   !options.tls_key_file.empty() || !options.tls_server_name.empty();
  if (!tls) return grpc::InsecureChannelCredentials();
  if (options.tls_cert_file.empty() != options.tls_key_file.empty()) {
    return absl::InvalidArgumentError("mutual TLS needs both a certificate and its key");
  }
  grpc::SslCredentialsOptions ssl;
  RETURN_IF_ERROR(ReadPem(options.tls_ca_file, &ssl.pem_root_certs));
  RETURN_IF_ERROR(ReadPem(options.tls_cert_file, &ssl.pem_cert_chain));
  RETURN_IF_ERROR(ReadPem(options.tls_key_file, &ssl.pem_private_key));
  return grpc::SslCredentials(ssl);
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> CreateChannel(const ChannelOptions& options) {
  if (options.address.empty()) return absl::InvalidArgumentError("the server's address is empty");
  ASSIGN_OR_RETURN(const auto credentials, Credentials(options));
  grpc::ChannelArguments arguments;
  const auto max_bytes =
      static_cast<int>(std::clamp<int64_t>(options.max_message_bytes, 1, INT_MAX));
  arguments.SetMaxReceiveMessageSize(max_bytes);
  arguments.SetMaxSendMessageSize(max_bytes);
  // A server that restarts is back within a second: look again sooner than gRPC's own second, so
  // that the attempts of CallWithRetry() do not all meet the same closed channel.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 5000);
  // Where the name has several addresses, calls go to them in turn.
  arguments.SetLoadBalancingPolicyName("round_robin");
  if (options.own_connection) arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (!options.tls_server_name.empty()) {
    arguments.SetSslTargetNameOverride(options.tls_server_name);
  }
  return grpc::CreateCustomChannel(options.address, credentials, arguments);
}

}  // namespace attentiond::client
