// core/models/config_fields.cc -- checked reads of config.json.
#include "core/models/config_fields.h"

#include "absl/strings/str_cat.h"
#include "core/base/prefixed_status.h"
#include "core/base/status_macros.h"
#include "core/ops/activation.h"
#include "core/weights/json_file.h"

namespace attentiond {
namespace {

absl::Status OutOfRange(const char* key, const std::string& found, int64_t max) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", key, "\" is ", found, ", 1 to ", max, " is required"));
}

}  // namespace

absl::StatusOr<int64_t> GetSize(const nlohmann::json& config, const char* key, int64_t max) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return OutOfRange(key, "missing", max);
  return GetSize(config, key, max, 0);
}

absl::StatusOr<int64_t> GetSize(const nlohmann::json& config, const char* key, int64_t max,
                                int64_t fallback) {
  ASSIGN_OR_RETURN(const int64_t size, GetInt(config, key, fallback));
  if (size < 1 || size > max) return OutOfRange(key, absl::StrCat(size), max);
  return size;
}

absl::StatusOr<float> GetEpsilon(const nlohmann::json& config, const char* key, double fallback) {
  ASSIGN_OR_RETURN(const double epsilon, GetDouble(config, key, fallback));
  if (epsilon > 0 && epsilon <= 1) return static_cast<float>(epsilon);
  return absl::InvalidArgumentError(
      absl::StrCat("\"", key, "\" is ", epsilon, ", more than 0 and at most 1 is required"));
}

absl::Status RequireFalse(const nlohmann::json& config, const char* key) {
  ASSIGN_OR_RETURN(const bool value, GetBool(config, key, false));
  if (!value) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat("\"", key, "\" is true, which is not supported, only false"));
}

absl::Status RequireNull(const nlohmann::json& config, const char* key) {
  const auto found = config.find(key);
  if (found == config.end() || found->empty()) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("\"", key, "\" is not supported"));
}

absl::StatusOr<Activation> GetActivation(const nlohmann::json& config, const char* key,
                                         const char* fallback) {
  ASSIGN_OR_RETURN(const std::string name, GetString(config, key, fallback));
  absl::StatusOr<Activation> activation = ParseActivation(name);
  if (activation.ok()) return activation;
  return absl::Status(activation.status().code(),
                      absl::StrCat("\"", key, "\": ", activation.status().message()));
}

absl::Status CheckHeadsDivide(const char* width_key, int64_t width, const char* heads_key,
                              int64_t heads) {
  if (width % heads == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("\"", width_key, "\" is ", width,
                                                 ", a multiple of \"", heads_key, "\" ", heads,
                                                 " is required"));
}

absl::Status InConfigJson(const absl::Status& status) { return Prefixed("config.json", status); }

}  // namespace attentiond
