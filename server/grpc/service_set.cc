// server/grpc/service_set.cc -- the list of services.
#include "server/grpc/service_set.h"

#include "server/grpc/attention_service.h"
#include "server/grpc/kserve_service.h"

namespace attentiond {

std::vector<std::unique_ptr<grpc::Service>> MakeServices(const ServiceEnvironment& environment) {
  std::vector<std::unique_ptr<grpc::Service>> services;
  services.push_back(std::make_unique<KserveService>(environment));
  services.push_back(std::make_unique<AttentionService>(environment));
  return services;
}

}  // namespace attentiond
