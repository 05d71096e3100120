// core/models/vision_config.cc -- the table of families, and checked reads of their configurations.
#include "core/models/vision_config.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/models/config_fields.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

// Of encoders that transformers saves as "vit": DeiT's are named alike.
constexpr EncoderWeightNames kVitNames = {.query = "attention.attention.query",
                                          .key = "attention.attention.key",
                                          .value = "attention.attention.value",
                                          .attention_norm = "layernorm_before",
                                          .output_norm = "layernorm_after",
                                          .final_norm = "layernorm"};

constexpr VisionFamily kFamilies[] = {
    // Dosovitskiy et al. 2020, arXiv:2010.11929.
    {.layers = {.model_type = "vit",
                .class_name = "ViT",
                .prefix = "vit.",
                .names = kVitNames,
                .block = EncoderBlock::kPreNorm}},
    // Touvron et al. 2020, arXiv:2012.12877.
    {.layers = {.model_type = "deit",
                .class_name = "DeiT",
                .prefix = "deit.",
                .names = kVitNames,
                .block = EncoderBlock::kPreNorm},
     .second_token = "embeddings.distillation_token",
     .image_processor = "DeiTImageProcessor"},
    // Li et al. 2022, arXiv:2201.12086.
    {.layers = {.model_type = "blip_vision_model",
                .class_name = "BlipVision",
                .prefix = "vision_model.",
                .names = {.layers = "encoder.layers",
                          .query_key_value = "self_attn.qkv",
                          .attention_output = "self_attn.projection",
                          .attention_norm = "layer_norm1",
                          .intermediate = "mlp.fc1",
                          .output = "mlp.fc2",
                          .output_norm = "layer_norm2",
                          .final_norm = "post_layernorm"},
                .block = EncoderBlock::kPreNorm},
     .defaults = {.image_size = 384, .layer_norm_eps = 1e-5},
     .patches = "embeddings.patch_embedding",
     .positions = "embeddings.position_embedding",
     .first_token = "embeddings.class_embedding",
     .image_processor = "BlipImageProcessor",
     .has_classifier = false},
};

constexpr int64_t kMaxWidth = 1 << 16;
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxSide = PreprocessorConfig::kMaxSide;
constexpr int64_t kMaxTokens = 1 << 16;

/// A number for both sides, or [height, width].
absl::StatusOr<ImageSize> GetSides(const nlohmann::json& object, const char* key,
                                   int64_t fallback) {
  const auto found = object.find(key);
  ImageSize size;
  if (found != object.end() && found->is_array() && found->size() == 2) {
    ASSIGN_OR_RETURN(size.height, GetSize({{key, found->at(0)}}, key, kMaxSide));
    ASSIGN_OR_RETURN(size.width, GetSize({{key, found->at(1)}}, key, kMaxSide));
    return size;
  }
  ASSIGN_OR_RETURN(size.height, GetSize(object, key, kMaxSide, fallback));
  size.width = size.height;
  return size;
}

absl::Status ParseLayers(const VisionFamily& family, const nlohmann::json& object,
                         EncoderConfig* layers) {
  layers->family = &family.layers;
  ASSIGN_OR_RETURN(layers->hidden_size, GetSize(object, "hidden_size", kMaxWidth, 768));
  ASSIGN_OR_RETURN(layers->num_layers, GetSize(object, "num_hidden_layers", kMaxLayers, 12));
  ASSIGN_OR_RETURN(layers->num_heads, GetSize(object, "num_attention_heads", kMaxWidth, 12));
  ASSIGN_OR_RETURN(layers->intermediate_size,
                   GetSize(object, "intermediate_size", kMaxWidth, 3072));
  RETURN_IF_ERROR(CheckHeadsDivide("hidden_size", layers->hidden_size, "num_attention_heads",
                                   layers->num_heads));
  layers->embedding_size = layers->hidden_size;
  layers->has_position_table = false;  // none that token ids would look up
  ASSIGN_OR_RETURN(layers->activation, GetActivation(object, "hidden_act", "gelu"));
  ASSIGN_OR_RETURN(layers->query_key_value_bias, GetBool(object, "qkv_bias", true));
  ASSIGN_OR_RETURN(const double epsilon,
                   GetDouble(object, "layer_norm_eps", family.defaults.layer_norm_eps));
  if (!(epsilon > 0 && epsilon <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"layer_norm_eps\" is ", epsilon, ", more than 0 and at most 1 is required"));
  }
  layers->layer_norm_eps = static_cast<float>(epsilon);
  return absl::OkStatus();
}

absl::Status ParsePatches(const VisionFamily& family, const nlohmann::json& object,
                          VisionConfig* config) {
  ASSIGN_OR_RETURN(config->image, GetSides(object, "image_size", family.defaults.image_size));
  ASSIGN_OR_RETURN(config->patch, GetSides(object, "patch_size", 16));
  ASSIGN_OR_RETURN(config->channels, GetSize(object, "num_channels", kMaxWidth, 3));
  if (config->channels != 3) {
    return absl::UnimplementedError(
        absl::StrCat("\"num_channels\" ", config->channels, " is not supported, only 3"));
  }
  const bool fits = config->rows() >= 1 && config->columns() >= 1;
  if (!fits || config->tokens() > kMaxTokens) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"image_size\" ", config->image.height, " x ", config->image.width, " has ",
        config->patches(), " patches of \"patch_size\" ", config->patch.height, " x ",
        config->patch.width, ", 1 to ", kMaxTokens - config->leading_tokens(), " are required"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Span<const VisionFamily> VisionFamilies() { return kFamilies; }

const VisionFamily* FindVisionFamily(absl::string_view model_type) {
  const auto found = std::find_if(
      std::begin(kFamilies), std::end(kFamilies),
      [&](const VisionFamily& family) { return family.layers.model_type == model_type; });
  return found == std::end(kFamilies) ? nullptr : found;
}

absl::StatusOr<VisionConfig> ParseVisionConfig(const VisionFamily& family,
                                               const nlohmann::json& object) {
  VisionConfig config;
  config.family = &family;
  RETURN_IF_ERROR(RequireNull(object, "quantization_config"));
  RETURN_IF_ERROR(RequireNull(object, "pruned_heads"));
  RETURN_IF_ERROR(ParseLayers(family, object, &config.layers));
  RETURN_IF_ERROR(ParsePatches(family, object, &config));
  return config;
}

}  // namespace attentiond
