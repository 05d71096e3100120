// client/status.h -- the one translation of gRPC's errors into absl::Status.
#pragma once

#include <grpcpp/support/status.h>

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace attentiond::client {

/// The same code and message. The details of the error (google.rpc.Status in the trailers) become
/// payloads under their type URLs, and field violations that the message does not tell already are
/// appended to it, a line "  field: description" each.
absl::Status FromGrpc(const grpc::Status& status);

/// What the server asks clients to wait before they try again (google.rpc.RetryInfo), if it does; a
/// negative or unreadable delay counts as none.
std::optional<absl::Duration> RetryDelay(const absl::Status& status);

}  // namespace attentiond::client
