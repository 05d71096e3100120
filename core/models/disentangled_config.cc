// core/models/disentangled_config.cc -- pos_att_type, buckets and the convolution.
#include "core/models/disentangled_config.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "core/models/config_fields.h"
#include "core/ops/activation.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

constexpr int64_t kMaxSpan = 1 << 16;

// An array of names, or names with bars between them.
absl::StatusOr<std::vector<std::string>> ReadNames(const nlohmann::json& json, const char* key) {
  std::vector<std::string> names;
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return names;
  if (found->is_string()) {
    names = absl::StrSplit(found->get<std::string>(), '|', absl::SkipEmpty());
  } else if (found->is_array() &&
             std::all_of(found->begin(), found->end(),
                         [](const nlohmann::json& name) { return name.is_string(); })) {
    names = found->get<std::vector<std::string>>();
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", key, "\" must be an array of names or a string"));
  }
  for (std::string& name : names) {
    name = absl::AsciiStrToLower(absl::StripAsciiWhitespace(name));
  }
  return names;
}

absl::Status ParseTerms(const nlohmann::json& json, DisentangledConfig* config) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ReadNames(json, "pos_att_type"));
  for (const std::string& name : names) {
    if (name == "c2p") {
      config->content_to_position = true;
    } else if (name == "p2c") {
      config->position_to_content = true;
    } else {
      return absl::UnimplementedError(absl::StrCat("\"pos_att_type\" ", Quoted(name),
                                                   " is not supported, only \"c2p\" and \"p2c\""));
    }
  }
  return absl::OkStatus();
}

absl::Status ParseSpan(const nlohmann::json& json, int64_t max_positions,
                       DisentangledConfig* config) {
  ASSIGN_OR_RETURN(config->max_distance, GetInt(json, "max_relative_positions", -1));
  if (config->max_distance < 1) config->max_distance = max_positions;
  ASSIGN_OR_RETURN(const int64_t buckets, GetInt(json, "position_buckets", -1));
  config->buckets = std::max<int64_t>(buckets, 0);
  // Half of the buckets are distances of their own; there must be some beyond.
  if (config->span() > kMaxSpan || config->buckets == 1 ||
      (config->buckets > 0 && config->max_distance < config->buckets / 2 + 2)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"position_buckets\" is ", buckets, " with relative positions up to ",
                     config->max_distance, ", 2 to ", kMaxSpan,
                     " are required, and at most twice as many as positions"));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> norms, ReadNames(json, "norm_rel_ebd"));
  for (const std::string& norm : norms) {
    if (norm == "layer_norm") {
      config->norm_table = true;
    } else if (norm != "none") {
      return absl::UnimplementedError(absl::StrCat("\"norm_rel_ebd\" ", Quoted(norm),
                                                   " is not supported, only \"layer_norm\""));
    }
  }
  return absl::OkStatus();
}

absl::Status ParseConvolution(const nlohmann::json& json, DisentangledConfig* config) {
  ASSIGN_OR_RETURN(const int64_t kernel, GetInt(json, "conv_kernel_size", 0));
  if (kernel <= 0) return absl::OkStatus();
  if (kernel != 3) {
    return absl::UnimplementedError(
        absl::StrCat("\"conv_kernel_size\" ", kernel, " is not supported, only 3"));
  }
  ASSIGN_OR_RETURN(const int64_t groups, GetInt(json, "conv_groups", 1));
  if (groups != 1) {
    return absl::UnimplementedError(
        absl::StrCat("\"conv_groups\" ", groups, " is not supported, only 1"));
  }
  config->conv_kernel = kernel;
  ASSIGN_OR_RETURN(config->conv_activation, GetActivation(json, "conv_act", "tanh"));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DisentangledConfig> ParseDisentangledConfig(const nlohmann::json& json,
                                                           int64_t max_positions) {
  DisentangledConfig config;
  ASSIGN_OR_RETURN(config.relative, GetBool(json, "relative_attention", false));
  ASSIGN_OR_RETURN(config.share_keys, GetBool(json, "share_att_key", false));
  RETURN_IF_ERROR(ParseTerms(json, &config));
  if (config.relative) RETURN_IF_ERROR(ParseSpan(json, max_positions, &config));
  RETURN_IF_ERROR(ParseConvolution(json, &config));
  return config;
}

}  // namespace attentiond
