// client/file.h -- whole files, bounded, with messages that name the path and the reason.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace attentiond::client {

/// The bytes of a regular file. kNotFound: it cannot be opened; kInvalidArgument: a directory, or
/// longer than `max_bytes`; kUnavailable: reading failed.
absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t max_bytes);

/// Replaces the file. kUnavailable: it cannot be created or written (a full disk is noticed).
absl::Status WriteFile(const std::string& path, absl::string_view bytes);

}  // namespace attentiond::client
