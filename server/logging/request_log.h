// server/logging/request_log.h -- the line of one finished RPC: debug for what the client caused,
// info for a sample of it, error for what is a bug of this server.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/logging/logger.h"

namespace attentiond {

struct RequestRecord {
  absl::string_view request_id;
  absl::string_view method;      ///< "ModelInfer"
  absl::string_view model = {};  ///< empty: the method names none
  absl::string_view trace = {};  ///< W3C traceparent; empty: not traced
  absl::string_view peer = {};   ///< "ipv4:127.0.0.1:41234"
  absl::Duration duration = {};
  bool sampled = false;  ///< one that the access log takes
};

/// Logs `status` of a finished request: kInternal, kUnknown and kDataLoss as "request failed" at
/// error, all else as "request": at info when it is sampled, else at debug.
void LogRequest(Logger* logger, const RequestRecord& record, const absl::Status& status);

}  // namespace attentiond
