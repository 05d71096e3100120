// server/grpc/health.cc -- readiness to serving status.
#include "server/grpc/health.h"

#include <utility>

namespace attentiond {

Health::Health(ModelRepository* repository,
               std::vector<grpc::HealthCheckServiceInterface*> services)
    : repository_(repository), services_(std::move(services)) {
  // gRPC's service says SERVING of "" from its birth.
  MutexLock lock(&mutex_);
  for (auto* service : services_) service->SetServingStatus("", false);
}

void Health::Follow() {
  repository_->AddReadinessListener(
      [weak = weak_from_this()](const std::string& model, bool /*ready*/) {
        if (const auto self = weak.lock()) self->Update(model);
      });
  for (const ModelIndexEntry& entry : repository_->Index()) Update(entry.name);
}

void Health::Update(const std::string& model) {
  MutexLock lock(&mutex_);
  // Asked anew rather than taken from the event: what is said last is then what holds, whatever
  // order the events of two changes come in.
  const bool ready = repository_->Get(model).ok();
  for (auto* service : services_) service->SetServingStatus(model, ready);
}

void Health::SetServerReady() {
  MutexLock lock(&mutex_);
  for (auto* service : services_) service->SetServingStatus("", true);
}

void Health::ShutDown() {
  MutexLock lock(&mutex_);
  for (auto* service : services_) service->Shutdown();
}

void Health::Detach() {
  MutexLock lock(&mutex_);
  services_.clear();
}

}  // namespace attentiond
