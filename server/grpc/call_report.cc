// server/grpc/call_report.cc -- telling metrics, statistics and log of a finished request.
#include "server/grpc/call_report.h"

#include "server/logging/request_log.h"

namespace attentiond {
namespace {

void RecordStatistics(ModelStatistics& statistics, const InferenceUsage& usage, absl::Time now,
                      absl::Duration duration, const absl::Status& status) {
  if (!status.ok()) {
    statistics.RecordFailure(duration);
    return;
  }
  statistics.RecordSuccess(static_cast<uint64_t>(usage.rows), now, duration, usage.timing.queue,
                           usage.convert_input + usage.timing.tokenize, usage.timing.compute,
                           usage.convert_output);
}

}  // namespace

void ReportFinished(const ServiceEnvironment& environment, const Call& call,
                    const LoadedModel* model, const InferenceUsage* usage,
                    const absl::Status& status) {
  const absl::Time now = environment.clock->Now();
  const absl::Duration duration = now - call.arrival;
  const std::string code = absl::StatusCodeToString(status.code());
  if (model != nullptr) {
    model->metrics->ObserveRequest(call.method, code, duration);
    if (usage != nullptr) {
      RecordStatistics(*model->statistics, *usage, now, duration, status);
    }
  } else {
    environment.metrics->ObserveUnknownModelRequest(call.method, code, duration);
  }
  if (environment.logger != nullptr) {
    LogRequest(environment.logger,
               {.request_id = call.request_id,
                .method = call.method,
                .model = model == nullptr ? absl::string_view() : model->name,
                .trace = call.trace,
                .peer = call.peer,
                .duration = duration,
                .sampled = environment.access_log != nullptr && environment.access_log->Take()},
               status);
  }
}

}  // namespace attentiond
