// server/grpc/call_report.cc -- telling metrics and log of a finished request.
#include "server/grpc/call_report.h"

#include "server/logging/request_log.h"

namespace attentiond {

void ReportFinished(const ServiceEnvironment& environment, const Call& call,
                    const LoadedModel* model, const absl::Status& status) {
  const absl::Duration duration = environment.clock->Now() - call.arrival;
  const std::string code = absl::StatusCodeToString(status.code());
  if (model != nullptr) {
    model->metrics->ObserveRequest(call.method, code, duration);
  } else {
    environment.metrics->ObserveUnknownModelRequest(call.method, code, duration);
  }
  if (environment.logger != nullptr) {
    LogRequest(environment.logger,
               {.request_id = call.request_id,
                .method = call.method,
                .model = model == nullptr ? absl::string_view() : model->name,
                .duration = duration},
               status);
  }
}

}  // namespace attentiond
