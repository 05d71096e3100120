// server/grpc/service_set.h -- every service of the main port.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>
#include <vector>

#include "server/grpc/service_environment.h"

namespace attentiond {

/// inference.GRPCInferenceService and attentiond.v1.AttentionService. `environment` is borrowed;
/// destroy the services after their server.
std::vector<std::unique_ptr<grpc::Service>> MakeServices(const ServiceEnvironment& environment);

}  // namespace attentiond
