// core/models/multi_head_attention_config.cc -- reads and checks config.json.
#include "core/models/multi_head_attention_config.h"

#include "core/base/status_macros.h"
#include "core/models/config_fields.h"
#include "core/weights/json_file.h"

namespace attentiond {
namespace {

constexpr int64_t kMaxWidth = 1 << 17;
constexpr int64_t kMaxHeads = 1024;

absl::StatusOr<MultiHeadAttentionConfig> Parse(const nlohmann::json& json) {
  RETURN_IF_ERROR(RequireFalse(json, "add_bias_kv"));
  RETURN_IF_ERROR(RequireFalse(json, "add_zero_attn"));
  MultiHeadAttentionConfig config;
  ASSIGN_OR_RETURN(config.embed_dim, GetSize(json, "embed_dim", kMaxWidth));
  ASSIGN_OR_RETURN(config.num_heads, GetSize(json, "num_heads", kMaxHeads));
  ASSIGN_OR_RETURN(config.key_dim, GetSize(json, "kdim", kMaxWidth, config.embed_dim));
  ASSIGN_OR_RETURN(config.value_dim, GetSize(json, "vdim", kMaxWidth, config.embed_dim));
  ASSIGN_OR_RETURN(config.bias, GetBool(json, "bias", true));
  RETURN_IF_ERROR(CheckHeadsDivide("embed_dim", config.embed_dim, "num_heads", config.num_heads));
  return config;
}

}  // namespace

absl::StatusOr<MultiHeadAttentionConfig> ParseMultiHeadAttentionConfig(const nlohmann::json& json) {
  absl::StatusOr<MultiHeadAttentionConfig> config = Parse(json);
  if (config.ok()) return config;
  return InConfigJson(config.status());
}

}  // namespace attentiond
