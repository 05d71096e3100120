// core/models/encoder_config.cc -- reads and checks config.json.
#include "core/models/encoder_config.h"

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/models/bucket_bias.h"
#include "core/models/config_fields.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

constexpr int64_t kMaxTypes = 1 << 16;

/// kUnimplemented when `key` is there and not `size`.
absl::Status RequireSize(const nlohmann::json& json, const char* key, int64_t size) {
  ASSIGN_OR_RETURN(const int64_t found, GetInt(json, key, size));
  if (found == size) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat("\"", key, "\" ", found, " is not supported, only ", size));
}

absl::Status ParseSizes(const EncoderFamily& family, const nlohmann::json& json,
                        EncoderConfig* config) {
  const EncoderConfigKeys& keys = family.keys;
  ASSIGN_OR_RETURN(config->hidden_size, GetSize(json, keys.hidden_size, ConfigLimits::kWidth));
  ASSIGN_OR_RETURN(config->num_layers, GetSize(json, keys.num_layers, ConfigLimits::kLayers));
  ASSIGN_OR_RETURN(config->num_heads, GetSize(json, keys.num_heads, ConfigLimits::kHeads));
  ASSIGN_OR_RETURN(config->intermediate_size,
                   GetSize(json, keys.intermediate_size, ConfigLimits::kWidth));
  ASSIGN_OR_RETURN(config->vocab_size, GetSize(json, "vocab_size", ConfigLimits::kVocab));
  ASSIGN_OR_RETURN(config->max_positions,
                   GetSize(json, "max_position_embeddings", ConfigLimits::kPositions));
  config->embedding_size = config->hidden_size;
  if (keys.embedding_size != nullptr) {
    ASSIGN_OR_RETURN(config->embedding_size,
                     GetSize(json, keys.embedding_size, ConfigLimits::kWidth, config->hidden_size));
  }
  if (keys.type_vocab_size != nullptr) {
    ASSIGN_OR_RETURN(const int64_t types, GetInt(json, keys.type_vocab_size, 0));
    if (family.defaults.token_types || types != 0) {
      ASSIGN_OR_RETURN(config->type_vocab_size, GetSize(json, keys.type_vocab_size, kMaxTypes));
    }
  }
  return CheckHeadsDivide(keys.hidden_size, config->hidden_size, keys.num_heads, config->num_heads);
}

absl::Status ParseNumerics(const EncoderFamily& family, const nlohmann::json& json,
                           EncoderConfig* config) {
  const EncoderConfigKeys& keys = family.keys;
  ASSIGN_OR_RETURN(config->activation,
                   GetActivation(json, keys.activation, family.defaults.activation));
  config->layer_norm_eps = static_cast<float>(family.defaults.layer_norm_eps);
  if (keys.layer_norm_eps == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(config->layer_norm_eps,
                   GetEpsilon(json, keys.layer_norm_eps, family.defaults.layer_norm_eps));
  return absl::OkStatus();
}

absl::Status ParsePositions(const EncoderFamily& family, const nlohmann::json& json,
                            EncoderConfig* config) {
  config->has_position_table = family.names.position_embeddings != nullptr;
  if (family.counting == PositionCounting::kFromZero) return absl::OkStatus();
  int64_t padding_id = 1;
  if (family.counting == PositionCounting::kAfterPaddingId) {
    ASSIGN_OR_RETURN(padding_id, GetInt(json, "pad_token_id", family.defaults.padding_id));
  }
  // A row of one token must be left.
  if (padding_id < 0 || padding_id + 2 > config->max_positions) {
    return absl::InvalidArgumentError(absl::StrCat("\"pad_token_id\" is ", padding_id, ", 0 to ",
                                                   config->max_positions - 2, " is required"));
  }
  config->positions = {static_cast<int32_t>(padding_id + 1), static_cast<int32_t>(padding_id)};
  return absl::OkStatus();
}

/// ALBERT's: the layers of a group run one after the other, and a group runs several times.
absl::Status ParseGroups(const nlohmann::json& json, EncoderConfig* config) {
  ASSIGN_OR_RETURN(config->num_groups, GetSize(json, "num_hidden_groups", config->num_layers, 1));
  ASSIGN_OR_RETURN(config->group_size,
                   GetSize(json, "inner_group_num", ConfigLimits::kLayers / config->num_layers, 1));
  config->num_layers *= config->group_size;
  return absl::OkStatus();
}

absl::Status ParseDisentangled(const nlohmann::json& json, EncoderConfig* config) {
  ASSIGN_OR_RETURN(config->disentangled, ParseDisentangledConfig(json, config->max_positions));
  ASSIGN_OR_RETURN(config->has_position_table, GetBool(json, "position_biased_input", true));
  RETURN_IF_ERROR(RequireSize(json, "attention_head_size", config->head_dim()));
  return RequireSize(json, "pooler_hidden_size", config->hidden_size);
}

absl::Status ParseRotary(const nlohmann::json& json, EncoderConfig* config) {
  ASSIGN_OR_RETURN(config->rotary, ParseRotaryConfig(json, config->num_layers));
  if (config->head_dim() % 2 != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"hidden_size\" of a head is ", config->head_dim(), ", an even number is required"));
  }
  ASSIGN_OR_RETURN(config->query_key_value_bias, GetBool(json, "attention_bias", false));
  config->attention_output_bias = config->query_key_value_bias;
  ASSIGN_OR_RETURN(config->feed_forward_bias, GetBool(json, "mlp_bias", false));
  ASSIGN_OR_RETURN(config->norm_bias, GetBool(json, "norm_bias", false));
  return absl::OkStatus();
}

/// transformers takes 32 of them, whatever their number.
absl::Status ParseBuckets(const nlohmann::json& json, EncoderConfig* config) {
  constexpr char kKey[] = "relative_attention_num_buckets";
  ASSIGN_OR_RETURN(config->bias_buckets, GetSize(json, kKey, kMaxTypes, BucketBias::kBuckets));
  if (config->bias_buckets >= BucketBias::kBuckets) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("\"", kKey, "\" is ", config->bias_buckets,
                                                 ", at least ", BucketBias::kBuckets,
                                                 " is required"));
}

absl::Status ParseScores(const EncoderFamily& family, const nlohmann::json& json,
                         EncoderConfig* config) {
  switch (family.scores) {
    case PositionScoresKind::kNone:
      return absl::OkStatus();
    case PositionScoresKind::kBucketBias:
      return ParseBuckets(json, config);
    case PositionScoresKind::kDisentangled:
      return ParseDisentangled(json, config);
    case PositionScoresKind::kRotary:
      return ParseRotary(json, config);
  }
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
  RETURN_IF_ERROR(RequireNull(json, "quantization_config"));
  return RequireNull(json, "pruned_heads");
}

/// From the first of `architectures`: with a classification head, or as an encoder alone. The heads
/// of pre-training are left aside: such a checkpoint is served as its encoder.
absl::StatusOr<EncoderTask> ParseTask(const EncoderFamily& family, const nlohmann::json& json) {
  struct Head {
    absl::string_view name;
    EncoderTask task;
  };
  constexpr Head kHeads[] = {{"ForSequenceClassification", EncoderTask::kSequenceClassification},
                             {"ForTokenClassification", EncoderTask::kTokenClassification},
                             {"Model", EncoderTask::kEmbedding},
                             {"ForMaskedLM", EncoderTask::kEmbedding},
                             {"ForPreTraining", EncoderTask::kEmbedding}};
  const auto found = json.find("architectures");
  if (found == json.end() || !found->is_array() || found->empty() || !found->front().is_string()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"architectures\" must be an array with a class name, such as [\"",
                     family.class_name, "ForSequenceClassification\"]"));
  }
  const auto architecture = found->front().get<std::string>();
  std::string supported;
  for (const Head& head : kHeads) {
    if (architecture == absl::StrCat(family.class_name, head.name)) return head.task;
    absl::StrAppend(&supported, supported.empty() ? "" : ", ", family.class_name, head.name);
  }
  return absl::UnimplementedError(absl::StrCat("\"architectures\" ", Quoted(architecture),
                                               " is not supported (supported: ", supported, ")"));
}

absl::Status ParseHead(const EncoderFamily& family, const nlohmann::json& json,
                       EncoderConfig* config) {
  if (config->task == EncoderTask::kEmbedding) return absl::OkStatus();
  ASSIGN_OR_RETURN(config->labels, ParseLabelConfig(json));
  config->head_activation = family.head.activation;
  if (family.head.activation_key != nullptr) {
    ASSIGN_OR_RETURN(config->head_activation,
                     GetActivation(json, family.head.activation_key, "gelu"));
  }
  if (family.block != EncoderBlock::kPreNormGated) return absl::OkStatus();
  ASSIGN_OR_RETURN(config->head_dense_bias, GetBool(json, "classifier_bias", false));
  ASSIGN_OR_RETURN(const std::string pooling, GetString(json, "classifier_pooling", "cls"));
  if (pooling != "cls" && pooling != "mean") {
    return absl::UnimplementedError(absl::StrCat("\"classifier_pooling\" ", Quoted(pooling),
                                                 " is not supported, only \"cls\" and \"mean\""));
  }
  if (pooling == "mean") config->head_pooling = HeadPooling::kMean;
  return absl::OkStatus();
}

absl::StatusOr<EncoderConfig> Parse(const EncoderFamily& family, const nlohmann::json& json) {
  EncoderConfig config;
  config.family = &family;
  RETURN_IF_ERROR(RefuseUnsupported(json));
  ASSIGN_OR_RETURN(config.task, ParseTask(family, json));
  RETURN_IF_ERROR(ParseSizes(family, json, &config));
  RETURN_IF_ERROR(ParseNumerics(family, json, &config));
  RETURN_IF_ERROR(ParsePositions(family, json, &config));
  RETURN_IF_ERROR(ParseScores(family, json, &config));
  if (family.names.group_layers != nullptr) RETURN_IF_ERROR(ParseGroups(json, &config));
  RETURN_IF_ERROR(ParseHead(family, json, &config));
  return config;
}

}  // namespace

absl::StatusOr<EncoderConfig> ParseEncoderConfig(const EncoderFamily& family,
                                                 const nlohmann::json& json) {
  absl::StatusOr<EncoderConfig> config = Parse(family, json);
  if (config.ok()) return config;
  return InConfigJson(config.status());
}

bool EncoderConfig::projects_embeddings() const {
  return family->projection == EmbeddingProjection::kAlways ||
         (family->projection != EmbeddingProjection::kNever && embedding_size != hidden_size);
}

}  // namespace attentiond
