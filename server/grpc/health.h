// server/grpc/health.h -- grpc.health.v1 for the server ("") and for each model, by its name.
#pragma once

#include <grpcpp/health_check_service_interface.h>

#include <memory>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "server/repository/model_repository.h"

namespace attentiond {

/// Keeps gRPC's health services (Check and Watch) in step with the model repository. Make it with
/// std::make_shared and call Follow(): the repository's listener then holds it weakly.
/// Threads: every method may be called concurrently.
class Health : public std::enable_shared_from_this<Health> {
 public:
  /// Both are borrowed; the services until Detach().
  Health(ModelRepository* repository, std::vector<grpc::HealthCheckServiceInterface*> services);

  /// Sets what the repository says now, and from then on at every change.
  void Follow();
  /// The server itself is SERVING.
  void SetServerReady();
  /// Everything is NOT_SERVING and stays so.
  void ShutDown();
  /// The services are about to be destroyed.
  void Detach();

 private:
  void Update(const std::string& model);

  ModelRepository* const repository_;
  Mutex mutex_;
  std::vector<grpc::HealthCheckServiceInterface*> services_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace attentiond
