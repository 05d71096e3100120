// core/models/encoder_config.cc -- reads and checks config.json.
#include "core/models/encoder_config.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/models/config_fields.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

// Far above any published encoder, and small enough that the product of two fits in an int64_t.
constexpr int64_t kMaxWidth = 1 << 17;
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxHeads = 1024;
constexpr int64_t kMaxVocab = 1 << 24;
constexpr int64_t kMaxPositions = 1 << 20;
constexpr int64_t kMaxTypes = 1 << 16;

absl::Status ParseSizes(const EncoderConfigKeys& keys, const nlohmann::json& json,
                        EncoderConfig* config) {
  ASSIGN_OR_RETURN(config->hidden_size, GetSize(json, keys.hidden_size, kMaxWidth));
  ASSIGN_OR_RETURN(config->num_layers, GetSize(json, keys.num_layers, kMaxLayers));
  ASSIGN_OR_RETURN(config->num_heads, GetSize(json, keys.num_heads, kMaxHeads));
  ASSIGN_OR_RETURN(config->intermediate_size, GetSize(json, keys.intermediate_size, kMaxWidth));
  ASSIGN_OR_RETURN(config->vocab_size, GetSize(json, "vocab_size", kMaxVocab));
  ASSIGN_OR_RETURN(config->max_positions, GetSize(json, "max_position_embeddings", kMaxPositions));
  if (keys.type_vocab_size != nullptr) {
    ASSIGN_OR_RETURN(config->type_vocab_size, GetSize(json, keys.type_vocab_size, kMaxTypes));
  }
  return CheckHeadsDivide(keys.hidden_size, config->hidden_size, keys.num_heads, config->num_heads);
}

absl::Status ParseNumerics(const EncoderConfigKeys& keys, const nlohmann::json& json,
                           EncoderConfig* config) {
  ASSIGN_OR_RETURN(const std::string activation, GetString(json, keys.activation, "gelu"));
  const absl::StatusOr<Activation> parsed = ParseActivation(activation);
  if (!parsed.ok()) {
    return absl::Status(parsed.status().code(),
                        absl::StrCat(Quoted(keys.activation), ": ", parsed.status().message()));
  }
  config->activation = *parsed;
  if (keys.layer_norm_eps == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const double epsilon, GetDouble(json, keys.layer_norm_eps, 1e-12));
  if (!(epsilon > 0 && epsilon <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat(Quoted(keys.layer_norm_eps), " is ", epsilon,
                                                   ", more than 0 and at most 1 is required"));
  }
  config->layer_norm_eps = static_cast<float>(epsilon);
  return absl::OkStatus();
}

absl::Status RefuseUnsupported(const nlohmann::json& json) {
  RETURN_IF_ERROR(RequireFalse(json, "is_decoder"));
  RETURN_IF_ERROR(RequireFalse(json, "add_cross_attention"));
  ASSIGN_OR_RETURN(const std::string positions,
                   GetString(json, "position_embedding_type", "absolute"));
  if (positions != "absolute") {
    return absl::UnimplementedError(absl::StrCat("\"position_embedding_type\" ", Quoted(positions),
                                                 " is not supported, only \"absolute\""));
  }
  for (const char* key : {"quantization_config", "pruned_heads"}) {
    const auto found = json.find(key);
    if (found != json.end() && !found->is_null() && !found->empty()) {
      return absl::UnimplementedError(absl::StrCat(Quoted(key), " is not supported"));
    }
  }
  return absl::OkStatus();
}

/// From the first of `architectures`: with a classification head, or as an encoder alone. The heads
/// of pre-training are left aside: such a checkpoint is served as its encoder.
absl::StatusOr<bool> Classifies(const EncoderFamily& family, const nlohmann::json& json) {
  const auto found = json.find("architectures");
  if (found == json.end() || !found->is_array() || found->empty() || !found->front().is_string()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"architectures\" must be an array with a class name, such as [\"",
                     family.class_name, "ForSequenceClassification\"]"));
  }
  const auto architecture = found->front().get<std::string>();
  absl::string_view head = architecture;
  if (absl::ConsumePrefix(&head, family.class_name)) {
    if (head == "ForSequenceClassification") return true;
    if (head == "Model" || head == "ForMaskedLM" || head == "ForPreTraining") return false;
  }
  return absl::UnimplementedError(absl::StrCat("\"architectures\" ", Quoted(architecture),
                                               " is not supported (supported: ", family.class_name,
                                               "ForSequenceClassification, ", family.class_name,
                                               "Model, ", family.class_name, "ForMaskedLM, ",
                                               family.class_name, "ForPreTraining)"));
}

absl::StatusOr<EncoderConfig> Parse(const EncoderFamily& family, const nlohmann::json& json) {
  EncoderConfig config;
  config.family = &family;
  RETURN_IF_ERROR(RefuseUnsupported(json));
  ASSIGN_OR_RETURN(config.classifies, Classifies(family, json));
  RETURN_IF_ERROR(ParseSizes(family.keys, json, &config));
  RETURN_IF_ERROR(ParseNumerics(family.keys, json, &config));
  if (config.classifies) {
    ASSIGN_OR_RETURN(config.labels, ParseLabelConfig(json));
  }
  return config;
}

}  // namespace

absl::StatusOr<EncoderConfig> ParseEncoderConfig(const EncoderFamily& family,
                                                 const nlohmann::json& json) {
  absl::StatusOr<EncoderConfig> config = Parse(family, json);
  if (config.ok()) return config;
  return InConfigJson(config.status());
}

}  // namespace attentiond
