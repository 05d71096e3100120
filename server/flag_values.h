// server/flag_values.h -- what people write for numbers, sizes and durations, read and written.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace attentiond {

// Each parser's kInvalidArgument says what was found and what is required.

/// "16384": a whole number, not negative.
absl::StatusOr<int64_t> ParseCount(absl::string_view text);

/// "64MiB", "1Gi", "500MB" or bytes as a plain number.
absl::StatusOr<int64_t> ParseBytes(absl::string_view text);
/// The largest binary unit that divides it: "1GiB", "1500B".
std::string FormatBytes(int64_t bytes);

/// "30s", "5ms", "1m30s" or seconds as a plain number ("30", "0.5"); finite, not negative.
absl::StatusOr<absl::Duration> ParseDurationFlag(absl::string_view text);

/// "true", "1", "yes", "on" or their opposites.
absl::StatusOr<bool> ParseBool(absl::string_view text);

}  // namespace attentiond
