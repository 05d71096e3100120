// core/weights/json_file.h -- JSON from files that somebody else wrote: bounded, never throwing.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace attentiond {

/// Parses `text`. kInvalidArgument: not JSON (with the byte position), nested deeper than 64
/// levels, or an object with the same key twice.
absl::StatusOr<nlohmann::json> ParseJson(absl::string_view text);

/// Reads and parses a file of at most `max_bytes`; messages start with the path. The root must be
/// an object.
absl::StatusOr<nlohmann::json> ReadJsonFile(const std::string& path,
                                            int64_t max_bytes = int64_t{256} << 20);
/// The same of a file whose root must be an array.
absl::StatusOr<nlohmann::json> ReadJsonArrayFile(const std::string& path, int64_t max_bytes);

/// A typed field of an object, with a default when it is absent or null; kInvalidArgument names the
/// key, what was found and what is required.
absl::StatusOr<int64_t> GetInt(const nlohmann::json& object, const char* key, int64_t fallback);
absl::StatusOr<double> GetDouble(const nlohmann::json& object, const char* key, double fallback);
absl::StatusOr<bool> GetBool(const nlohmann::json& object, const char* key, bool fallback);
absl::StatusOr<std::string> GetString(const nlohmann::json& object, const char* key,
                                      const std::string& fallback);

}  // namespace attentiond
