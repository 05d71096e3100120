// server/grpc/status_conversion.h -- absl::Status to what a gRPC client sees. The only place that
// converts.
#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace attentiond {

/// The same code, the message, and a google.rpc.Status as details:
///   kInvalidArgument    BadRequest with the field of a FieldError()
///   kResourceExhausted  RetryInfo
///   every error         RequestInfo with `request_id`
/// Messages are cut to kMaxStatusMessageBytes and are valid UTF-8, so that the trailers fit the
/// 8 KiB that gRPC clients accept. An internal error's message is not its own: it says that the log
/// has the cause, under the request id.
grpc::Status ToGrpcStatus(const absl::Status& status, absl::string_view request_id);

/// Longer messages end in "...".
inline constexpr size_t kMaxStatusMessageBytes = 1024;

/// `text` with invalid UTF-8 replaced, and cut at a character to at most `max_bytes`.
std::string BoundedUtf8(absl::string_view text, size_t max_bytes);

}  // namespace attentiond
