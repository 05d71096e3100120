// server/grpc/grpc_server.cc -- building, draining and stopping grpc::Server.
#include "server/grpc/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/grpc/connection_acceptor.h"
#include "server/grpc/health.h"
#include "server/grpc/listening_sockets.h"
#include "server/grpc/server_credentials.h"
#include "server/grpc/service_set.h"
#include "server/grpc/token_file.h"

namespace attentiond {
namespace {

// How long a connection has to take what was sent to it before it is closed.
constexpr absl::Duration kCloseGrace = absl::Milliseconds(200);

absl::Status CheckOptions(const GrpcServerOptions& options) {
  constexpr int64_t kMaxMessageBytes = std::numeric_limits<int>::max();
  if (options.max_message_bytes < 1 || options.max_message_bytes > kMaxMessageBytes) {
    return absl::InvalidArgumentError(absl::StrCat("max_message_bytes is ",
                                                   options.max_message_bytes, "; required is 1 to ",
                                                   kMaxMessageBytes));
  }
  return absl::OkStatus();
}

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(
      std::min<int64_t>(absl::ToInt64Milliseconds(duration), std::numeric_limits<int>::max()));
}

void SetConnectionLimits(const GrpcServerOptions& options, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  // Responses are bounded where they are made, with an error that names the output.
  builder->SetMaxSendMessageSize(-1);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, options.max_metadata_bytes);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS,
                              Milliseconds(options.max_connection_idle));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(options.keepalive_time));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                              Milliseconds(options.keepalive_timeout));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Clients may ping an idle connection every ten seconds without being closed for it.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
}

// What listens on one address. Destroyed from the last to the first: no connection is accepted for
// a server that is gone.
struct Listening {
  int port = 0;
  std::shared_ptr<grpc::ServerCredentials> credentials;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> entrance;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<ConnectionAcceptor> acceptor;
};

// `services`: none of our own for the health port.
absl::StatusOr<Listening> Listen(const std::string& address,
                                 std::shared_ptr<grpc::ServerCredentials> credentials,
                                 const std::vector<std::unique_ptr<grpc::Service>>& services,
                                 const GrpcServerOptions& options, Metrics* metrics) {
  ASSIGN_OR_RETURN(ListeningSockets sockets, ListeningSockets::Open(address));
  Listening listening;
  listening.port = sockets.port();
  listening.credentials = std::move(credentials);
  grpc::ServerBuilder builder;
  listening.entrance = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      listening.credentials);
  SetConnectionLimits(options, &builder);
  for (const auto& service : services) builder.RegisterService(service.get());
  listening.server = builder.BuildAndStart();
  if (listening.server == nullptr) return absl::InternalError("gRPC could not start a server");
  listening.acceptor = std::make_unique<ConnectionAcceptor>(
      std::move(sockets),
      ConnectionAcceptor::Options{.max_connections = options.max_connections,
                                  .unanswered_timeout = options.keepalive_timeout,
                                  .on_refused = [metrics] { metrics->ObserveRefusedConnection(); }},
      [entrance = listening.entrance.get()](int listener, int fd) {
        grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
        connection.listener_fd = listener;
        connection.fd = fd;
        entrance->HandleNewConnection(&connection);
      });
  return listening;
}

class GrpcServerImpl final : public GrpcServer {
 public:
  GrpcServerImpl(const GrpcServerOptions& options, const GrpcServerDependencies& dependencies,
                 std::unique_ptr<TokenFile> tokens)
      : tokens_(std::move(tokens)),
        access_log_(options.access_log),
        gate_({.max_requests = options.max_in_flight_requests,
               .max_bytes = options.max_in_flight_bytes},
              dependencies.clock, dependencies.metrics) {
    environment_.repository = dependencies.repository;
    environment_.inference = dependencies.inference;
    environment_.metrics = dependencies.metrics;
    environment_.clock = dependencies.clock;
    environment_.logger = dependencies.logger;
    environment_.access_log = &access_log_;
    environment_.gate = &gate_;
    environment_.tokens = tokens_.get();
    environment_.enable_admin = options.enable_admin;
    environment_.request_ids = &request_ids_;
    environment_.limits = {.max_message_bytes = options.max_message_bytes,
                           .max_rows = options.max_rows_per_request,
                           .max_new_tokens = options.max_new_tokens,
                           .max_attention_flop = options.max_attention_flop,
                           .max_stream_in_flight = options.max_stream_in_flight};
    environment_.version = options.version;
    services_ = MakeServices(environment_);
  }

  ~GrpcServerImpl() override { Stop(environment_.clock->Now()); }

  absl::Status Listen(const GrpcServerOptions& options) {
    ASSIGN_OR_RETURN(auto credentials, MakeServerCredentials(options, environment_.logger));
    ASSIGN_OR_RETURN(main_, attentiond::Listen(options.address, std::move(credentials), services_,
                                               options, environment_.metrics));
    std::vector<grpc::HealthCheckServiceInterface*> health = {
        main_.server->GetHealthCheckService()};
    if (!options.health_address.empty()) {
      ASSIGN_OR_RETURN(
          health_, attentiond::Listen(options.health_address, grpc::InsecureServerCredentials(), {},
                                      options, environment_.metrics));
      health.push_back(health_.server->GetHealthCheckService());
    }
    statuses_ = std::make_shared<Health>(environment_.repository, std::move(health));
    statuses_->Follow();
    return absl::OkStatus();
  }

  int port() const override { return main_.port; }
  int health_port() const override { return health_.port; }

  void SetReady() override {
    gate_.SetReady();
    statuses_->SetServerReady();
  }

  absl::StatusOr<bool> ReloadTokens() override { return tokens_->Reload(); }

  void StartDraining() override {
    gate_.StartDraining();
    statuses_->ShutDown();
  }

  bool Stop(absl::Time deadline) override {
    MutexLock lock(&stop_mutex_);
    if (stopped_) return true;
    stopped_ = true;
    if (statuses_ != nullptr) StartDraining();
    const bool drained = gate_.WaitUntilIdle(deadline);
    // Streams and health watches that are open but have no work end here.
    const auto close_by =
        std::chrono::system_clock::now() + absl::ToChronoMilliseconds(kCloseGrace);
    for (Listening* listening : {&main_, &health_}) {
      if (listening->server == nullptr) continue;
      // Nothing accepted is left, and calls that arrive now would find gRPC's own CANCELLED:
      // clients that see their connection end try elsewhere.
      listening->acceptor = nullptr;
      listening->server->Shutdown(close_by);
      listening->server->Wait();
    }
    if (statuses_ != nullptr) statuses_->Detach();
    return drained;
  }

 private:
  const std::unique_ptr<TokenFile> tokens_;
  AccessLog access_log_;
  RequestIdSource request_ids_;
  AdmissionGate gate_;
  ServiceEnvironment environment_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  Listening main_;
  Listening health_;
  std::shared_ptr<Health> statuses_;
  Mutex stop_mutex_;
  bool stopped_ ABSL_GUARDED_BY(stop_mutex_) = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const GrpcServerOptions& options, const GrpcServerDependencies& dependencies) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(auto tokens, TokenFile::Open(options.auth_token_file));
  // Both are process-wide switches of gRPC that servers built from now on obey.
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  auto server = std::make_unique<GrpcServerImpl>(options, dependencies, std::move(tokens));
  RETURN_IF_ERROR(server->Listen(options));
  return server;
}

}  // namespace attentiond
