// server/grpc/grpc_log.h -- gRPC's own complaints, as lines of the server's log.
#pragma once

#include "server/logging/logger.h"

namespace attentiond {

/// While it lives, what gRPC would print to standard error goes to `logger` at debug: what concerns
/// the operator comes back as a status and is logged where it is handled. One at a time in a
/// process; after it gRPC is silent.
class GrpcLog {
 public:
  explicit GrpcLog(Logger* logger);
  ~GrpcLog();
  GrpcLog(const GrpcLog&) = delete;
  GrpcLog& operator=(const GrpcLog&) = delete;
};

}  // namespace attentiond
