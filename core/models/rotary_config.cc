// core/models/rotary_config.cc -- the old keys of ModernBERT's configuration and the new ones.
#include "core/models/rotary_config.h"

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/models/config_fields.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

constexpr char kFull[] = "full_attention";
constexpr char kSliding[] = "sliding_attention";
constexpr int64_t kMaxWindow = 1 << 20;
constexpr int64_t kMaxInterval = 1024;

absl::StatusOr<double> CheckTheta(const char* key, double theta) {
  if (std::isfinite(theta) && theta > 0) return theta;
  return absl::InvalidArgumentError(
      absl::StrCat(Quoted(key), " is ", theta, ", a number above 0 is required"));
}

absl::StatusOr<double> ReadTheta(const nlohmann::json& json, const char* layer_type,
                                 const char* old_key, double fallback) {
  const auto parameters = json.find("rope_parameters");
  if (parameters != json.end() && parameters->is_object() && parameters->contains(layer_type)) {
    const nlohmann::json& of_type = parameters->at(layer_type);
    ASSIGN_OR_RETURN(const std::string rope_type, GetString(of_type, "rope_type", "default"));
    if (rope_type != "default") {
      return absl::UnimplementedError(absl::StrCat("\"rope_parameters\": \"rope_type\" ",
                                                   Quoted(rope_type),
                                                   " is not supported, only \"default\""));
    }
    if (of_type.contains("rope_theta")) {
      ASSIGN_OR_RETURN(const double theta, GetDouble(of_type, "rope_theta", fallback));
      return CheckTheta("rope_theta", theta);
    }
  }
  ASSIGN_OR_RETURN(const double theta, GetDouble(json, old_key, fallback));
  return CheckTheta(old_key, theta);
}

absl::StatusOr<bool> IsSliding(const nlohmann::json& json, int64_t index, int64_t interval) {
  const auto types = json.find("layer_types");
  if (types == json.end() || types->is_null()) return index % interval != 0;
  const auto& entry = (*types)[static_cast<size_t>(index)];
  const auto type = entry.is_string() ? entry.get<std::string>() : entry.dump();
  if (type == kFull || type == kSliding) return type == kSliding;
  return absl::UnimplementedError(absl::StrCat("\"layer_types\": ", Quoted(type),
                                               " is not supported, only \"", kFull, "\" and \"",
                                               kSliding, "\""));
}

absl::Status CheckLayerTypes(const nlohmann::json& json, int64_t num_layers) {
  const auto types = json.find("layer_types");
  if (types == json.end() || types->is_null()) return absl::OkStatus();
  if (types->is_array() && static_cast<int64_t>(types->size()) == num_layers) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "\"layer_types\" must be an array of \"num_hidden_layers\" ", num_layers, " names"));
}

}  // namespace

absl::StatusOr<RotaryConfig> ParseRotaryConfig(const nlohmann::json& json, int64_t num_layers) {
  RETURN_IF_ERROR(RequireNull(json, "rope_scaling"));
  RETURN_IF_ERROR(CheckLayerTypes(json, num_layers));
  ASSIGN_OR_RETURN(const double global, ReadTheta(json, kFull, "global_rope_theta", 160000));
  ASSIGN_OR_RETURN(const double local, ReadTheta(json, kSliding, "local_rope_theta", 10000));
  ASSIGN_OR_RETURN(const int64_t window, GetSize(json, "local_attention", kMaxWindow, 128));
  ASSIGN_OR_RETURN(const int64_t interval,
                   GetSize(json, "global_attn_every_n_layers", kMaxInterval, 3));
  if (window < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"local_attention\" is ", window, ", at least 2 is required"));
  }
  RotaryConfig config;
  for (int64_t index = 0; index < num_layers; ++index) {
    ASSIGN_OR_RETURN(const bool sliding, IsSliding(json, index, interval));
    config.layers.push_back(sliding ? RotaryLayer{local, window / 2} : RotaryLayer{global, 0});
  }
  return config;
}

}  // namespace attentiond
