// client/commands/advice.h -- what to do about a failed call, in one line.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace attentiond::client {

/// `status`, its message followed by what mends it, where the client can know that. `address` is
/// the server that was called.
absl::Status WithAdvice(const absl::Status& status, const std::string& address);

}  // namespace attentiond::client
