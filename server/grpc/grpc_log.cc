// server/grpc/grpc_log.cc -- gRPC takes a plain function: where it writes to is a global of this
// file.
#include "server/grpc/grpc_log.h"

#include <grpc/support/log.h>

#include "core/base/mutex.h"

namespace attentiond {
namespace {

/// Where lines go; held while one is written, so that no line comes after its logger has gone.
struct Destination {
  Mutex mutex;
  Logger* logger ABSL_GUARDED_BY(mutex) = nullptr;

  static Destination& Get() {
    static auto* const destination = new Destination;
    return *destination;
  }
};

void SetDestination(Logger* logger) {
  Destination& destination = Destination::Get();
  MutexLock lock(&destination.mutex);
  destination.logger = logger;
}

void Write(gpr_log_func_args* line) {
  Destination& destination = Destination::Get();
  MutexLock lock(&destination.mutex);
  if (destination.logger == nullptr) return;
  destination.logger->Debug(
      line->message, {{"source", "grpc"}, {"severity", gpr_log_severity_string(line->severity)}});
}

}  // namespace

GrpcLog::GrpcLog(Logger* logger) {
  SetDestination(logger);
  gpr_set_log_function(&Write);
}

GrpcLog::~GrpcLog() { SetDestination(nullptr); }

}  // namespace attentiond
