// server/grpc/grpc_server.cc -- building, draining and stopping grpc::Server.
#include "server/grpc/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/grpc/bearer_token.h"
#include "server/grpc/health.h"
#include "server/grpc/server_credentials.h"
#include "server/grpc/service_set.h"

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

void SetConnectionLimits(const GrpcServerOptions& options, grpc::ServerBuilder* builder) {
  builder->SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  // Responses are bounded where they are made, with an error that names the output.
  builder->SetMaxSendMessageSize(-1);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS,
                              static_cast<int>(absl::ToInt64Milliseconds(options.keepalive_time)));
  builder->AddChannelArgument(
      GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
      static_cast<int>(absl::ToInt64Milliseconds(options.keepalive_timeout)));
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Clients may ping an idle connection every ten seconds without being closed for it.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
}

struct Listening {
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

// `services`: none of our own for the health port.
absl::StatusOr<Listening> Listen(const std::string& address,
                                 std::shared_ptr<grpc::ServerCredentials> credentials,
                                 const std::vector<std::unique_ptr<grpc::Service>>& services,
                                 const GrpcServerOptions& options) {
  grpc::ServerBuilder builder;
  Listening listening;
  // Otherwise a second server on the port is no error, and each gets some of the connections.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(address, std::move(credentials), &listening.port);
  SetConnectionLimits(options, &builder);
  for (const auto& service : services) builder.RegisterService(service.get());
  listening.server = builder.BuildAndStart();
  if (listening.server == nullptr || listening.port == 0) {
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on '", address, "': required is HOST:PORT with a free port of this machine",
        options.tls_cert_file.empty() ? "" : ", and a TLS certificate that fits its key"));
  }
  return listening;
}

class GrpcServerImpl final : public GrpcServer {
 public:
  GrpcServerImpl(const GrpcServerOptions& options, const GrpcServerDependencies& dependencies,
                 BearerTokens tokens)
      : tokens_(std::move(tokens)),
        gate_({.max_requests = options.max_in_flight_requests,
               .max_bytes = options.max_in_flight_bytes},
              dependencies.clock, dependencies.metrics) {
    environment_.repository = dependencies.repository;
    environment_.inference = dependencies.inference;
    environment_.metrics = dependencies.metrics;
    environment_.clock = dependencies.clock;
    environment_.logger = dependencies.logger;
    environment_.gate = &gate_;
    environment_.tokens = &tokens_;
    environment_.request_ids = &request_ids_;
    environment_.limits = {.max_message_bytes = options.max_message_bytes,
                           .max_rows = options.max_rows_per_request,
                           .max_attention_flop = options.max_attention_flop,
                           .max_stream_in_flight = options.max_stream_in_flight};
    environment_.version = options.version;
    services_ = MakeServices(environment_);
  }

  ~GrpcServerImpl() override { Stop(environment_.clock->Now()); }

  absl::Status Listen(const GrpcServerOptions& options) {
    ASSIGN_OR_RETURN(auto credentials, MakeServerCredentials(options));
    ASSIGN_OR_RETURN(
        main_, attentiond::Listen(options.address, std::move(credentials), services_, options));
    std::vector<grpc::HealthCheckServiceInterface*> health = {
        main_.server->GetHealthCheckService()};
    if (!options.health_address.empty()) {
      ASSIGN_OR_RETURN(health_, attentiond::Listen(options.health_address,
                                                   grpc::InsecureServerCredentials(), {}, options));
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
      listening->server->Shutdown(close_by);
      listening->server->Wait();
    }
    if (statuses_ != nullptr) statuses_->Detach();
    return drained;
  }

 private:
  const BearerTokens tokens_;
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
  BearerTokens tokens;
  if (!options.auth_token_file.empty()) {
    ASSIGN_OR_RETURN(tokens, BearerTokens::FromFile(options.auth_token_file));
  }
  // Both are process-wide switches of gRPC that servers built from now on obey.
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  auto server = std::make_unique<GrpcServerImpl>(options, dependencies, std::move(tokens));
  RETURN_IF_ERROR(server->Listen(options));
  return server;
}

}  // namespace attentiond
