// server/server.h -- owns everything that runs, starts it in order and ends it in order.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/engine/model.h"
#include "core/parallel/cpu_budget.h"
#include "core/parallel/thread_pool.h"
#include "server/batching/batch_scheduler.h"
#include "server/grpc/grpc_log.h"
#include "server/grpc/grpc_server.h"
#include "server/http/http_server.h"
#include "server/inference/inference.h"
#include "server/logging/logger.h"
#include "server/metrics/metrics.h"
#include "server/options.h"
#include "server/periodic_task.h"
#include "server/repository/model_repository.h"
#include "server/repository/repository_watch.h"

namespace attentiond {

/// Threads: one at a time.
class Server {
 public:
  /// Listens, then loads every model. The ports answer from the beginning (alive, not ready), so
  /// that a port in use is said before a large model is loaded, and probes can watch the loading.
  ///
  /// `options` are valid (Validate()). `logger` is borrowed and outlives the server.
  /// Errors  One line that says what to change: an address that cannot be listened on, a file that
  ///         cannot be used, a model that cannot be loaded, a type that is not available.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       Logger* logger);

  /// Health and /readyz say ready; the log says where it listens.
  void SetReady();

  /// Reads the token file again and looks at the model repository, if it is followed; on threads of
  /// their own. Certificates are read again at every handshake anyway.
  void Reload();

  /// Health says NOT_SERVING and /readyz 503, new work is refused, accepted work is finished for at
  /// most the drain timeout. The log says whether it was. When it was not, false is returned and
  /// the server must not be destroyed: a batch may still be computing, and cannot be interrupted.
  bool Drain();

 private:
  enum class State : uint8_t { kLoading, kReady, kDraining };

  Server(const ServerOptions& options, const LoadOptions& load, Logger* logger);
  ModelRepository::Options RepositoryOptions(const LoadOptions& load);
  absl::Status Listen();
  absl::Status LoadModels();
  void StartFollowing();
  void ReloadTokens();
  absl::Status Readiness() const;
  bool FinishAcceptedWork(absl::Time deadline);

  const ServerOptions options_;
  Logger* const logger_;
  const CpuBudget cpu_budget_;
  const std::shared_ptr<ResultCache> cache_;
  const Platform platform_;
  std::atomic<State> state_{State::kLoading};

  // Each may use those above it; they are destroyed from the last to the first.
  const GrpcLog grpc_log_;
  ThreadPool compute_threads_;
  const std::unique_ptr<Metrics> metrics_;
  BatchScheduler scheduler_;
  ModelRepository repository_;
  Inference inference_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<GrpcServer> grpc_;
  // What follows files that may change; nullptr: nothing to follow.
  std::unique_ptr<RepositoryWatch> watch_;  // the repository task's
  std::string token_problem_;               // the token task's: said once
  std::unique_ptr<PeriodicTask> token_task_;
  std::unique_ptr<PeriodicTask> repository_task_;
};

/// --check: starts a server on free ports of the same hosts and ends it; the log says what would
/// run. Errors as Server::Start.
absl::Status CheckServer(const ServerOptions& options, Logger* logger);

}  // namespace attentiond
