// server/grpc/service_environment.h -- what every gRPC service of the server works with.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/clock.h"
#include "server/grpc/admission_gate.h"
#include "server/grpc/request_id.h"
#include "server/grpc/token_file.h"
#include "server/inference/inference.h"
#include "server/logging/access_log.h"
#include "server/logging/logger.h"
#include "server/metrics/metrics.h"
#include "server/repository/model_repository.h"

namespace attentiond {

/// What one request may be.
struct RequestLimits {
  int64_t max_message_bytes = int64_t{1} << 30;  ///< of a response; requests are cut off by gRPC
  int64_t max_rows = 4096;
  int64_t max_new_tokens = 0;        ///< that a text may have; 0: what its model writes at most
  double max_attention_flop = 1e13;  ///< of one raw attention request
  int max_stream_in_flight = 32;     ///< requests of one stream that are worked on at a time
};

/// Everything is borrowed, outlives the services and may be used from any thread.
struct ServiceEnvironment {
  ModelRepository* repository = nullptr;
  Inference* inference = nullptr;
  Metrics* metrics = nullptr;
  Clock* clock = nullptr;
  Logger* logger = nullptr;         ///< nullptr: finished requests are not logged
  AccessLog* access_log = nullptr;  ///< nullptr: nothing is logged that is as it should be
  AdmissionGate* gate = nullptr;
  const TokenFile* tokens = nullptr;
  RequestIdSource* request_ids = nullptr;
  RequestLimits limits;
  bool enable_admin = false;  ///< whether models may be loaded and unloaded over gRPC
  std::string version;        ///< of the server
};

}  // namespace attentiond
