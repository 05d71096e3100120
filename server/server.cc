#include "server/server.h"

#include <algorithm>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "core/base/status_macros.h"
#include "core/parallel/memory_limit.h"
#include "server/listen_address.h"
#include "server/metrics/process_stats.h"
#include "server/start_log.h"

namespace attentiond {
namespace {

// For calls that were cancelled at the drain's deadline to be answered.
constexpr absl::Duration kCancelGrace = absl::Milliseconds(500);
// How often the token file is looked at.
constexpr absl::Duration kTokenPeriod = absl::Seconds(1);

int ComputeThreads(const ServerOptions& options, const CpuBudget& budget) {
  return options.threads > 0 ? static_cast<int>(options.threads) : budget.threads;
}

LoadOptions ToLoadOptions(ComputeType type) {
  using Precision = LoadOptions::Precision;
  switch (type) {
    case ComputeType::kAuto:
      break;
    case ComputeType::kF32:
      return {.precision = Precision::kF32};
    case ComputeType::kBF16:
      return {.precision = Precision::kBF16};
    case ComputeType::kInt8:
      return {.precision = Precision::kInt8};
  }
  return {.precision = Precision::kAuto};
}

absl::Status CheckDtype(const LoadOptions& load, const Platform& platform) {
  const absl::Status supported = CheckPrecision(load.precision, platform);
  return {supported.code(), absl::StrCat("--dtype: ", supported.message())};
}

Metrics::BuildInfo ToBuildInfo(const Platform& platform, const CpuBudget& budget, int threads) {
  return {.version = ATTENTIOND_VERSION,
          .onednn = platform.onednn_version,
          .isa = platform.isa,
          .compute_threads = threads,
          .quota_cores = budget.quota_cores,
          .memory_limit_bytes = ReadMemoryLimit()};
}

/// Of the container's limit; 0: there is none.
int64_t MemoryLeft() {
  const int64_t limit = ReadMemoryLimit();
  const std::optional<ProcessStats> stats = ReadProcessStats();
  return limit == 0 || !stats ? 0 : std::max<int64_t>(1, limit - stats->resident_bytes);
}

GrpcServerOptions ToGrpcOptions(const ServerOptions& options) {
  GrpcServerOptions grpc;
  grpc.address = options.listen;
  grpc.health_address = options.health_listen;
  grpc.tls_cert_file = options.tls_cert;
  grpc.tls_key_file = options.tls_key;
  grpc.tls_client_ca_file = options.tls_client_ca;
  grpc.auth_token_file = options.auth_token_file;
  grpc.enable_admin = options.enable_admin;
  grpc.max_message_bytes = options.max_message_bytes;
  grpc.max_new_tokens = options.max_new_tokens;
  grpc.max_metadata_bytes = static_cast<int>(options.max_metadata_bytes);
  grpc.max_in_flight_requests = options.max_in_flight_requests;
  grpc.max_in_flight_bytes = options.max_in_flight_bytes > 0
                                 ? options.max_in_flight_bytes
                                 : DefaultInFlightBytes(ReadMemoryLimit());
  grpc.max_connections = static_cast<int>(options.max_connections);
  grpc.max_concurrent_streams = static_cast<int>(options.max_connection_calls);
  grpc.max_connection_idle = options.max_connection_idle;
  grpc.keepalive_time = options.keepalive_time;
  grpc.keepalive_timeout = options.keepalive_timeout;
  grpc.access_log = options.access_log;
  grpc.version = ATTENTIOND_VERSION;
  return grpc;
}

Inference::Options ToInferenceOptions(const ServerOptions& options, int threads) {
  Inference::Options inference;
  inference.images = {.max_bytes = options.max_image_bytes, .max_pixels = options.max_image_pixels};
  inference.image_threads = std::max(1, threads / 4);
  return inference;
}

/// `address` with another port: the one that was bound. "" stays "".
std::string WithPort(const std::string& address, int port) {
  const auto parsed = ParseListenAddress(address);
  return parsed.ok() ? absl::StrCat(parsed->host, ":", port) : "";
}

}  // namespace

Server::Server(const ServerOptions& options, const LoadOptions& load, Logger* logger)
    : options_(options),
      logger_(logger),
      cpu_budget_(ReadCpuBudget()),
      cache_(std::make_shared<ResultCache>(options.cache_bytes)),
      platform_(DescribePlatform()),
      grpc_log_(logger),
      compute_threads_(ComputeThreads(options, cpu_budget_)),
      metrics_(Metrics::Create(ToBuildInfo(platform_, cpu_budget_, compute_threads_.num_threads()),
                               {.kernel_counts = &KernelCounts,
                                .throttled_periods = [] { return ReadThrottledPeriods(); },
                                .cache_bytes = [this] { return cache_->bytes(); }})),
      scheduler_(Clock::Real()),
      repository_(RepositoryOptions(load), &scheduler_, metrics_.get(), &compute_threads_,
                  Clock::Real()),
      inference_(&repository_, Clock::Real(),
                 ToInferenceOptions(options, compute_threads_.num_threads())) {
  repository_.AddReadinessListener([logger](const std::string& name, bool ready) {
    logger->Info(ready ? "model ready" : "model unloaded", {{"model", name}});
  });
}

ModelRepository::Options Server::RepositoryOptions(const LoadOptions& load) {
  ModelRepository::Options repository;
  repository.models = options_.models;
  repository.repository_directory = options_.model_repository;
  repository.load = load;
  repository.batching = {.max_batch_tokens = options_.max_batch_tokens,
                         .max_batch_requests = options_.max_batch_requests,
                         .max_queue_requests = options_.max_queue_requests,
                         .max_queue_delay = options_.max_queue_delay};
  repository.generation = {.cache_bytes = options_.kv_cache_bytes,
                           .max_rows = options_.max_batch_requests};
  repository.cache = cache_;
  repository.on_workspace_growth = [this](size_t bytes) {
    logger_->Info("working memory grew", {{"workspace_bytes", bytes}});
  };
  repository.load_model = [this](const std::string& directory, const LoadOptions& how) {
    const absl::Time start = Clock::Real()->Now();
    LoadOptions within = how;
    within.max_weight_bytes = MemoryLeft();
    absl::StatusOr<std::shared_ptr<const Model>> model = LoadModel(directory, within);
    if (model.ok()) {
      LogModel(logger_, directory, (*model)->info(), Clock::Real()->Now() - start);
    } else if (state_ == State::kReady) {
      // At the start the error ends it, or comes back as a warning: it is logged there.
      logger_->Warning(absl::StrCat("model not loaded: ", model.status().message()),
                       {{"directory", directory}});
    }
    return model;
  };
  return repository;
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      Logger* logger) {
  const LoadOptions load = ToLoadOptions(options.dtype);
  std::unique_ptr<Server> server(new Server(options, load, logger));
  LogStart(logger, options, server->cpu_budget_, server->compute_threads_.num_threads(),
           server->platform_);
  RETURN_IF_ERROR(CheckDtype(load, server->platform_));
  RETURN_IF_ERROR(server->Listen());
  RETURN_IF_ERROR(server->LoadModels());
  server->StartFollowing();
  return server;
}

absl::Status Server::Listen() {
  ASSIGN_OR_RETURN(http_, HttpServer::Start(options_.metrics_listen,
                                            {.metrics = [this] { return metrics_->Serialize(); },
                                             .readiness = [this] { return Readiness(); }}));
  ASSIGN_OR_RETURN(grpc_, GrpcServer::Start(ToGrpcOptions(options_), {.repository = &repository_,
                                                                      .inference = &inference_,
                                                                      .metrics = metrics_.get(),
                                                                      .clock = Clock::Real(),
                                                                      .logger = logger_}));
  return absl::OkStatus();
}

absl::Status Server::LoadModels() {
  std::vector<std::string> warnings;
  const absl::Status loaded = repository_.LoadAll(&warnings);
  for (const std::string& warning : warnings) logger_->Warning(warning);
  return loaded;
}

void Server::StartFollowing() {
  if (!options_.auth_token_file.empty()) {
    token_task_ =
        std::make_unique<PeriodicTask>(kTokenPeriod, Clock::Real(), [this] { ReloadTokens(); });
  }
  if (options_.model_repository_poll == absl::ZeroDuration()) return;
  watch_ = std::make_unique<RepositoryWatch>(
      options_.model_repository, &repository_,
      [logger = logger_](const std::string& name, absl::string_view what,
                         const absl::Status& status) {
        if (status.ok()) logger->Info(absl::StrCat("model ", what, " again"), {{"model", name}});
      });
  repository_task_ = std::make_unique<PeriodicTask>(options_.model_repository_poll, Clock::Real(),
                                                    [this] { watch_->Look(); });
}

void Server::Reload() {
  logger_->Info("reloading", {{"signal", "SIGHUP"}});
  if (token_task_ != nullptr) token_task_->Trigger();
  if (repository_task_ != nullptr) repository_task_->Trigger();
}

void Server::ReloadTokens() {
  const absl::StatusOr<bool> changed = grpc_->ReloadTokens();
  const std::string problem(changed.status().message());
  if (!changed.ok() && problem != token_problem_) {
    logger_->Warning(absl::StrCat(problem, "; the tokens that were read before stay"));
  } else if (changed.ok() && *changed) {
    logger_->Info("the tokens have changed", {{"file", options_.auth_token_file}});
  }
  token_problem_ = problem;
}

absl::Status Server::Readiness() const {
  switch (state_.load()) {
    case State::kLoading:
      return absl::UnavailableError("loading models");
    case State::kReady:
      return absl::OkStatus();
    case State::kDraining:
      return absl::UnavailableError("draining");
  }
  return absl::InternalError("unknown state");
}

void Server::SetReady() {
  grpc_->SetReady();
  state_ = State::kReady;
  logger_->Info("serving",
                {{"listen", WithPort(options_.listen, grpc_->port())},
                 {"metrics_listen", WithPort(options_.metrics_listen, http_->port())},
                 {"health_listen", WithPort(options_.health_listen, grpc_->health_port())},
                 {"models", repository_.Ready().size()}});
}

bool Server::Drain() {
  const absl::Time start = Clock::Real()->Now();
  const absl::Time deadline = start + options_.drain_timeout;
  logger_->Info("draining",
                {{"drain_timeout_seconds", absl::ToDoubleSeconds(options_.drain_timeout)}});
  state_ = State::kDraining;
  grpc_->StartDraining();
  const bool drained = FinishAcceptedWork(deadline);
  const double seconds = absl::ToDoubleSeconds(Clock::Real()->Now() - start);
  if (drained) {
    logger_->Info("drained", {{"seconds", seconds}});
  } else {
    logger_->Warning("accepted work was cut off: --drain-timeout has passed",
                     {{"seconds", seconds}});
  }
  return drained;
}

bool Server::FinishAcceptedWork(absl::Time deadline) {
  // gRPC waits for the calls that it has cancelled, and those for the batch that they are in: on a
  // thread of its own, so that the deadline holds for this one.
  std::packaged_task<bool()> finish(
      [this, deadline] { return grpc_->Stop(deadline) && scheduler_.Drain(deadline); });
  std::future<bool> finished = finish.get_future();
  std::thread(std::move(finish)).detach();
  const absl::Duration patience = deadline - Clock::Real()->Now() + kCancelGrace;
  return finished.wait_for(absl::ToChronoMilliseconds(patience)) == std::future_status::ready &&
         finished.get();
}

absl::Status CheckServer(const ServerOptions& options, Logger* logger) {
  ServerOptions local = options;
  for (std::string* address : {&local.listen, &local.metrics_listen, &local.health_listen}) {
    *address = WithPort(*address, 0);
  }
  RETURN_IF_ERROR(Server::Start(local, logger).status());
  logger->Info("check passed: the server would start");
  return absl::OkStatus();
}

}  // namespace attentiond
