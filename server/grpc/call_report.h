// server/grpc/call_report.h -- metrics and log line of a finished request; one place for unary
// calls and for the requests of a stream.
#pragma once

#include "absl/status/status.h"
#include "server/grpc/service_environment.h"
#include "server/inference/call.h"

namespace attentiond {

/// What an inference cost, beside what the Call knows.
struct InferenceUsage {
  int64_t rows = 0;
  CallTiming timing;
  absl::Duration convert_input;   ///< message to operation
  absl::Duration convert_output;  ///< results to message
};

/// Counts and times `call`, which ends now with `status`. `model`: nullptr when it names none that
/// is loaded. `usage`: nullptr when the call was no inference; otherwise the model's statistics
/// record a success or a failure.
void ReportFinished(const ServiceEnvironment& environment, const Call& call,
                    const LoadedModel* model, const InferenceUsage* usage,
                    const absl::Status& status);

}  // namespace attentiond
