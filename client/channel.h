// client/channel.h -- a connection to a server: plain, TLS or mutual TLS.
#pragma once

#include <grpcpp/channel.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace attentiond::client {

struct ChannelOptions {
  std::string address = "localhost:8001";  ///< host:port, or any name that gRPC resolves

  bool tls = false;                ///< implied by each of the next four
  std::string tls_ca_file = {};    ///< PEM of who may sign the server; empty: the system's roots
  std::string tls_cert_file = {};  ///< PEM of this client, for mutual TLS; needs tls_key_file
  std::string tls_key_file = {};   ///< PEM of its private key
  std::string tls_server_name =
      {};  ///< the name in the server's certificate; empty: that in `address`

  int64_t max_message_bytes = int64_t{1} << 30;  ///< both ways; at most 2 GiB - 1
  /// A connection of its own instead of one shared with the process's other channels to `address`.
  bool own_connection = false;
};

/// A channel; connects with the first call. kInvalidArgument, kNotFound: an option or a PEM file
/// that is wrong; names it.
absl::StatusOr<std::shared_ptr<grpc::Channel>> CreateChannel(const ChannelOptions& options);

}  // namespace attentiond::client
