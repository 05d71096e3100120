// server/grpc/call_report.h -- metrics and log line of a finished request; one place for unary
// calls and for the requests of a stream.
#pragma once

#include "absl/status/status.h"
#include "server/grpc/service_environment.h"
#include "server/inference/call.h"

namespace attentiond {

/// Counts and times `call`, which ends now with `status`. `model`: nullptr when it names none that
/// is loaded.
void ReportFinished(const ServiceEnvironment& environment, const Call& call,
                    const LoadedModel* model, const absl::Status& status);

}  // namespace attentiond
