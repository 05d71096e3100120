#include "core/models/seq2seq/caption_config.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/models/config_fields.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

constexpr absl::string_view kTypes[] = {"vision-encoder-decoder", "blip"};

constexpr StackNames Gpt2Stack() {
  StackNames names;
  names.embeddings = "decoder.transformer.wte";
  names.positions = "decoder.transformer.wpe";
  names.layers = "decoder.transformer.h";
  names.self = {.query_key_value = "attn.c_attn", .output = "attn.c_proj", .norm = "ln_1"};
  names.cross = {.query = "crossattention.q_attn",
                 .key_value = "crossattention.c_attn",
                 .output = "crossattention.c_proj",
                 .norm = "ln_cross_attn"};
  names.up = "mlp.c_fc";
  names.down = "mlp.c_proj";
  names.norm = "ln_2";
  names.final_norm = "decoder.transformer.ln_f";
  names.transposed = true;
  return names;
}
constexpr StackNames kGpt2 = Gpt2Stack();

constexpr StackNames BlipStack() {
  StackNames names;
  names.embeddings = "text_decoder.bert.embeddings.word_embeddings";
  names.positions = "text_decoder.bert.embeddings.position_embeddings";
  names.embeddings_norm = "text_decoder.bert.embeddings.LayerNorm";
  names.layers = "text_decoder.bert.encoder.layer";
  names.self = {.query = "attention.self.query",
                .key = "attention.self.key",
                .value = "attention.self.value",
                .output = "attention.output.dense",
                .norm = "attention.output.LayerNorm"};
  names.cross = {.query = "crossattention.self.query",
                 .key = "crossattention.self.key",
                 .value = "crossattention.self.value",
                 .output = "crossattention.output.dense",
                 .norm = "crossattention.output.LayerNorm"};
  names.up = "intermediate.dense";
  names.down = "output.dense";
  names.norm = "output.LayerNorm";
  return names;
}
constexpr StackNames kBlip = BlipStack();

float ScaleOf(int64_t head_dim) {
  return static_cast<float>(1 / std::sqrt(static_cast<double>(head_dim)));
}

/// The object of one half.
absl::StatusOr<nlohmann::json> Half(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  if (found != json.end() && found->is_object()) return *found;
  return absl::InvalidArgumentError(absl::StrCat("\"", key, "\" must be an object"));
}

absl::StatusOr<VisionConfig> ParseVision(const nlohmann::json& json, const std::string& type) {
  const VisionFamily* const family = FindVisionFamily(type);
  if (family == nullptr) {
    return absl::UnimplementedError(absl::StrCat("an encoder of \"model_type\" ", Quoted(type),
                                                 " is not supported, only \"vit\" and \"deit\""));
  }
  return ParseVisionConfig(*family, json);
}

absl::StatusOr<StackConfig> ParseGpt2(const nlohmann::json& json) {
  ASSIGN_OR_RETURN(const std::string type, GetString(json, "model_type", ""));
  if (type != "gpt2") {
    return absl::UnimplementedError(absl::StrCat("a decoder of \"model_type\" ", Quoted(type),
                                                 " is not supported, only \"gpt2\""));
  }
  StackConfig stack;
  ASSIGN_OR_RETURN(stack.hidden_size, GetSize(json, "n_embd", ConfigLimits::kWidth, 768));
  ASSIGN_OR_RETURN(stack.num_layers, GetSize(json, "n_layer", ConfigLimits::kLayers, 12));
  ASSIGN_OR_RETURN(stack.num_heads, GetSize(json, "n_head", ConfigLimits::kHeads, 12));
  ASSIGN_OR_RETURN(stack.intermediate_size,
                   GetSize(json, "n_inner", ConfigLimits::kWidth, 4 * stack.hidden_size));
  ASSIGN_OR_RETURN(stack.vocab_size, GetSize(json, "vocab_size", ConfigLimits::kVocab, 50257));
  ASSIGN_OR_RETURN(stack.max_tokens, GetSize(json, "n_positions", ConfigLimits::kPositions, 1024));
  RETURN_IF_ERROR(CheckHeadsDivide("n_embd", stack.hidden_size, "n_head", stack.num_heads));
  stack.head_dim = stack.hidden_size / stack.num_heads;
  ASSIGN_OR_RETURN(stack.activation, GetActivation(json, "activation_function", "gelu_new"));
  ASSIGN_OR_RETURN(stack.norm_epsilon, GetEpsilon(json, "layer_norm_epsilon", 1e-5));
  stack.norm_first = true;
  stack.final_norm = true;
  stack.positions = PositionTable::kLearned;
  ASSIGN_OR_RETURN(const bool scales, GetBool(json, "scale_attn_weights", true));
  RETURN_IF_ERROR(RequireFalse(json, "scale_attn_by_inverse_layer_idx"));
  if (scales) stack.attention_scale = ScaleOf(stack.head_dim);
  return stack;
}

absl::StatusOr<CaptionConfig> ParseVisionEncoderDecoder(const nlohmann::json& json) {
  CaptionConfig config;
  ASSIGN_OR_RETURN(const nlohmann::json encoder, Half(json, "encoder"));
  ASSIGN_OR_RETURN(const nlohmann::json decoder, Half(json, "decoder"));
  ASSIGN_OR_RETURN(const std::string type, GetString(encoder, "model_type", ""));
  ASSIGN_OR_RETURN(config.vision, ParseVision(encoder, type));
  ASSIGN_OR_RETURN(config.decoder, ParseGpt2(decoder));
  RETURN_IF_ERROR(RequireNull(decoder, "cross_attention_hidden_size"));
  config.names = &kGpt2;
  if (config.vision.layers.hidden_size != config.decoder.hidden_size) {
    config.memory_projection = "enc_to_dec_proj";
  }
  config.head = "decoder.lm_head.weight";
  return config;
}

absl::StatusOr<int32_t> GetToken(const nlohmann::json& json, const char* key, int64_t fallback,
                                 int64_t vocab_size) {
  ASSIGN_OR_RETURN(const int64_t token, GetInt(json, key, fallback));
  if (token >= 0 && token < vocab_size) return static_cast<int32_t>(token);
  return absl::InvalidArgumentError(
      absl::StrCat("\"", key, "\" is ", token, ", 0 to ", vocab_size - 1, " is required"));
}

absl::StatusOr<StackConfig> ParseBlipText(const nlohmann::json& json) {
  StackConfig stack;
  ASSIGN_OR_RETURN(stack.hidden_size, GetSize(json, "hidden_size", ConfigLimits::kWidth, 768));
  ASSIGN_OR_RETURN(stack.num_layers, GetSize(json, "num_hidden_layers", ConfigLimits::kLayers, 12));
  ASSIGN_OR_RETURN(stack.num_heads, GetSize(json, "num_attention_heads", ConfigLimits::kHeads, 8));
  ASSIGN_OR_RETURN(stack.intermediate_size,
                   GetSize(json, "intermediate_size", ConfigLimits::kWidth, 3072));
  ASSIGN_OR_RETURN(stack.vocab_size, GetSize(json, "vocab_size", ConfigLimits::kVocab, 30524));
  ASSIGN_OR_RETURN(stack.max_tokens,
                   GetSize(json, "max_position_embeddings", ConfigLimits::kPositions, 512));
  RETURN_IF_ERROR(
      CheckHeadsDivide("hidden_size", stack.hidden_size, "num_attention_heads", stack.num_heads));
  stack.head_dim = stack.hidden_size / stack.num_heads;
  ASSIGN_OR_RETURN(stack.activation, GetActivation(json, "hidden_act", "gelu"));
  ASSIGN_OR_RETURN(stack.norm_epsilon, GetEpsilon(json, "layer_norm_eps", 1e-12));
  stack.embeddings_norm = true;
  stack.positions = PositionTable::kLearned;
  stack.attention_scale = ScaleOf(stack.head_dim);
  return stack;
}

absl::StatusOr<CaptionConfig> ParseBlip(const nlohmann::json& json) {
  CaptionConfig config;
  ASSIGN_OR_RETURN(const nlohmann::json vision, Half(json, "vision_config"));
  ASSIGN_OR_RETURN(const nlohmann::json text, Half(json, "text_config"));
  ASSIGN_OR_RETURN(config.vision, ParseVision(vision, "blip_vision_model"));
  ASSIGN_OR_RETURN(config.decoder, ParseBlipText(text));
  config.names = &kBlip;
  const std::string head = "text_decoder.cls.predictions.";
  config.head_transform = head + "transform";
  config.head = head + "decoder.weight";
  config.head_bias = head + "bias";
  const int64_t vocab_size = config.decoder.vocab_size;
  ASSIGN_OR_RETURN(config.start_token, GetToken(text, "bos_token_id", 30522, vocab_size));
  ASSIGN_OR_RETURN(config.end_token, GetToken(text, "sep_token_id", 102, vocab_size));
  return config;
}

absl::StatusOr<CaptionConfig> Parse(const nlohmann::json& json) {
  ASSIGN_OR_RETURN(const std::string type, GetString(json, "model_type", ""));
  const bool is_blip = type == "blip";
  const absl::string_view supported =
      is_blip ? "BlipForConditionalGeneration" : "VisionEncoderDecoderModel";
  const auto found = json.find("architectures");
  if (found == json.end() || !found->is_array() || found->empty() || !found->front().is_string() ||
      found->front().get<std::string>() != supported) {
    return absl::UnimplementedError(absl::StrCat("\"architectures\" must be [\"", supported,
                                                 "\"], nothing else of \"model_type\" ",
                                                 Quoted(type), " is supported"));
  }
  RETURN_IF_ERROR(RequireNull(json, "quantization_config"));
  return is_blip ? ParseBlip(json) : ParseVisionEncoderDecoder(json);
}

}  // namespace

absl::Span<const absl::string_view> CaptionModelTypes() { return kTypes; }

absl::StatusOr<CaptionConfig> ParseCaptionConfig(const nlohmann::json& config) {
  absl::StatusOr<CaptionConfig> parsed = Parse(config);
  if (parsed.ok()) return parsed;
  return InConfigJson(parsed.status());
}

}  // namespace attentiond
