// server/grpc/grpc_server.h -- the gRPC side of the server: every service on one port, health on a
// second one if wanted.
//
// Needs no gRPC header: who owns the process (server/server.h) sees options, ports and three verbs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "server/inference/inference.h"
#include "server/logging/logger.h"
#include "server/metrics/metrics.h"
#include "server/repository/model_repository.h"

namespace attentiond {

struct GrpcServerOptions {
  // Where it listens.
  std::string address = "0.0.0.0:8001";  ///< port 0: any free one
  std::string health_address;  ///< a plaintext port with grpc.health.v1 alone; empty: none

  // Who may call. Certificates are read again at every handshake, tokens by ReloadTokens().
  std::string tls_cert_file;       ///< PEM chain; empty: plaintext. Needs tls_key_file.
  std::string tls_key_file;        ///< PEM
  std::string tls_client_ca_file;  ///< PEM; callers must show a certificate of it. Empty: no need.
  /// One accepted token a line; empty: none is asked for. Calls of the two inference services then
  /// need the metadata `authorization: Bearer TOKEN`; health and reflection do not.
  std::string auth_token_file;
  bool enable_admin = false;  ///< RepositoryModelLoad and RepositoryModelUnload are answered

  // What one request may cost, and all together.
  int64_t max_message_bytes = int64_t{1} << 30;    ///< of a request, and of a response; < 2 GiB
  int64_t max_new_tokens = 0;                      ///< as RequestLimits has it
  int64_t max_rows_per_request = 4096;             ///< as Inference::Options has it
  double max_attention_flop = 1e13;                ///< of one raw attention request
  int64_t max_in_flight_requests = 4096;           ///< more is refused with RESOURCE_EXHAUSTED
  int64_t max_in_flight_bytes = int64_t{4} << 30;  ///< of their messages, likewise
  int max_stream_in_flight = 32;                   ///< requests of one ModelStreamInfer stream

  // Connections.
  int max_connections = 10000;        ///< of each port; more are closed at once
  int max_concurrent_streams = 1024;  ///< calls of one connection; more wait in the client
  int max_metadata_bytes = 16 << 10;  ///< of a call; more is refused with RESOURCE_EXHAUSTED
  /// A connection without calls is closed after so long; clients open it again when they need it.
  absl::Duration max_connection_idle = absl::Minutes(30);
  absl::Duration keepalive_time =
      absl::Minutes(1);  ///< a silent connection is pinged after so long
  absl::Duration keepalive_timeout = absl::Seconds(20);  ///< and closed when no answer comes

  int64_t access_log = 0;  ///< one of so many requests is logged; 0: none
  std::string version;     ///< what ServerMetadata says
};

/// What the services work with. Borrowed; must outlive the GrpcServer.
struct GrpcServerDependencies {
  ModelRepository* repository = nullptr;
  Inference* inference = nullptr;
  Metrics* metrics = nullptr;
  Clock* clock = nullptr;
  Logger* logger = nullptr;  ///< nullptr: finished requests are not logged
};

/// Threads: every method may be called concurrently.
class GrpcServer {
 public:
  /// Listens and serves. The server is alive but not ready until SetReady().
  /// Errors  kInvalidArgument, kNotFound: an option or a file it names cannot be used;
  /// kUnavailable:
  ///         the address cannot be listened on. One line that says what to change.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      const GrpcServerOptions& options, const GrpcServerDependencies& dependencies);
  virtual ~GrpcServer() = default;  ///< Stop(now) when it still runs

  virtual int port() const = 0;
  virtual int health_port() const = 0;  ///< 0: none

  /// ServerReady and the health of "" become true; called when the models are loaded.
  virtual void SetReady() = 0;
  /// Reads the token file again. True: other tokens than before. An error leaves the old ones.
  virtual absl::StatusOr<bool> ReloadTokens() = 0;
  /// Health becomes NOT_SERVING for every name, ServerReady false, new work is refused with
  /// kUnavailable; accepted work goes on. Returns at once.
  virtual void StartDraining() = 0;
  /// Drains, waits for the accepted work until `deadline`, cancels what is left, closes. True when
  /// nothing had to be cancelled. Blocks; call it while the batch scheduler still runs.
  virtual bool Stop(absl::Time deadline) = 0;
};

}  // namespace attentiond
