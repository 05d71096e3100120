// core/models/seq2seq/seq2seq_config.cc -- reads and checks config.json.
#include "core/models/seq2seq/seq2seq_config.h"

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/models/config_fields.h"
#include "core/ops/activation.h"
#include "core/weights/json_file.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

absl::Status CheckClass(const Seq2SeqFamily& family, const nlohmann::json& json) {
  const auto found = json.find("architectures");
  if (found == json.end() || !found->is_array() || found->empty() || !found->front().is_string()) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"architectures\" must be an array with a class name, such as [\"",
                     family.class_name, "\"]"));
  }
  const auto name = found->front().get<std::string>();
  if (name == family.class_name) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("\"architectures\" ", Quoted(name),
                                               " is not supported (supported: ", family.class_name,
                                               ")"));
}

/// Keys of one stack in a configuration of BART's kind.
struct BartKeys {
  const char* layers;
  const char* heads;
  const char* intermediate_size;
  const char* vocab_size;
};
constexpr BartKeys kBartKeys[] = {
    {"encoder_layers", "encoder_attention_heads", "encoder_ffn_dim", "vocab_size"},
    {"decoder_layers", "decoder_attention_heads", "decoder_ffn_dim", "decoder_vocab_size"}};

absl::StatusOr<StackConfig> ParseBartStack(const Seq2SeqFamily& family, const nlohmann::json& json,
                                           const BartKeys& keys) {
  StackConfig stack;
  ASSIGN_OR_RETURN(stack.hidden_size, GetSize(json, "d_model", ConfigLimits::kWidth));
  ASSIGN_OR_RETURN(stack.num_layers, GetSize(json, keys.layers, ConfigLimits::kLayers));
  ASSIGN_OR_RETURN(stack.num_heads, GetSize(json, keys.heads, ConfigLimits::kHeads));
  ASSIGN_OR_RETURN(stack.intermediate_size,
                   GetSize(json, keys.intermediate_size, ConfigLimits::kWidth));
  ASSIGN_OR_RETURN(const int64_t vocab_size, GetSize(json, "vocab_size", ConfigLimits::kVocab));
  ASSIGN_OR_RETURN(stack.vocab_size,
                   GetSize(json, keys.vocab_size, ConfigLimits::kVocab, vocab_size));
  ASSIGN_OR_RETURN(stack.max_tokens,
                   GetSize(json, "max_position_embeddings", ConfigLimits::kPositions));
  RETURN_IF_ERROR(CheckHeadsDivide("d_model", stack.hidden_size, keys.heads, stack.num_heads));
  stack.head_dim = stack.hidden_size / stack.num_heads;
  ASSIGN_OR_RETURN(stack.activation, GetActivation(json, "activation_function", family.activation));
  ASSIGN_OR_RETURN(const bool scales, GetBool(json, "scale_embedding", false));
  if (scales) {
    stack.embedding_scale = static_cast<float>(std::sqrt(static_cast<double>(stack.hidden_size)));
  }
  stack.norm_first = family.norm_first;
  stack.embeddings_norm = family.embeddings_norm;
  stack.final_norm = family.final_norm;
  stack.positions = family.positions;
  stack.first_position = family.first_position;
  stack.attention_scale = static_cast<float>(1 / std::sqrt(static_cast<double>(stack.head_dim)));
  return stack;
}

absl::Status ParseBart(const nlohmann::json& json, Seq2SeqConfig* config) {
  ASSIGN_OR_RETURN(config->encoder, ParseBartStack(*config->family, json, kBartKeys[0]));
  ASSIGN_OR_RETURN(config->decoder, ParseBartStack(*config->family, json, kBartKeys[1]));
  ASSIGN_OR_RETURN(config->shares_embeddings,
                   GetBool(json, "share_encoder_decoder_embeddings", true));
  ASSIGN_OR_RETURN(config->padding_id, GetInt(json, "pad_token_id", 1));
  if (config->shares_embeddings && config->encoder.vocab_size != config->decoder.vocab_size) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"decoder_vocab_size\" is ", config->decoder.vocab_size, ", \"vocab_size\" ",
                     config->encoder.vocab_size,
                     " is required, as \"share_encoder_decoder_embeddings\" is true"));
  }
  return absl::OkStatus();
}

/// "relu", "gated-gelu": what the feed-forward layers are.
absl::Status ParseProjection(const nlohmann::json& json, StackConfig* stack) {
  ASSIGN_OR_RETURN(const std::string projection, GetString(json, "feed_forward_proj", "relu"));
  absl::string_view name = projection;
  stack->gated = absl::ConsumePrefix(&name, "gated-");
  // T5's own name of it.
  if (stack->gated && name == "gelu") name = "gelu_new";
  absl::StatusOr<Activation> activation = ParseActivation(name);
  if (!activation.ok()) {
    return absl::Status(activation.status().code(),
                        absl::StrCat("\"feed_forward_proj\": ", activation.status().message()));
  }
  stack->activation = *activation;
  return absl::OkStatus();
}

absl::StatusOr<StackConfig> ParseT5Stack(const nlohmann::json& json, bool decoder) {
  StackConfig stack;
  ASSIGN_OR_RETURN(stack.hidden_size, GetSize(json, "d_model", ConfigLimits::kWidth));
  ASSIGN_OR_RETURN(stack.head_dim, GetSize(json, "d_kv", ConfigLimits::kWidth));
  ASSIGN_OR_RETURN(stack.intermediate_size, GetSize(json, "d_ff", ConfigLimits::kWidth));
  ASSIGN_OR_RETURN(stack.num_layers, GetSize(json, "num_layers", ConfigLimits::kLayers));
  if (decoder) {
    ASSIGN_OR_RETURN(stack.num_layers,
                     GetSize(json, "num_decoder_layers", ConfigLimits::kLayers, stack.num_layers));
  }
  ASSIGN_OR_RETURN(stack.num_heads, GetSize(json, "num_heads", ConfigLimits::kHeads));
  ASSIGN_OR_RETURN(stack.vocab_size, GetSize(json, "vocab_size", ConfigLimits::kVocab));
  RETURN_IF_ERROR(ParseProjection(json, &stack));
  ASSIGN_OR_RETURN(stack.norm_epsilon, GetEpsilon(json, "layer_norm_epsilon", 1e-6));
  stack.norm_first = true;
  stack.subtract_mean = false;
  stack.final_norm = true;
  stack.linear_bias = false;
  stack.max_tokens = kMostTokensWithoutPositions;
  RelativeBuckets buckets;
  buckets.both_sides = !decoder;
  ASSIGN_OR_RETURN(buckets.count,
                   GetSize(json, "relative_attention_num_buckets", ConfigLimits::kPositions, 32));
  ASSIGN_OR_RETURN(buckets.max_distance,
                   GetSize(json, "relative_attention_max_distance", ConfigLimits::kPositions, 128));
  if (buckets.count < 4 || buckets.count % 2 != 0 || buckets.max_distance <= buckets.count / 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"relative_attention_num_buckets\" is ", buckets.count,
                     " and \"relative_attention_max_distance\" ", buckets.max_distance,
                     ", an even number of at least 4 and more than half of it are required"));
  }
  stack.relative = buckets;
  return stack;
}

absl::Status ParseT5(const nlohmann::json& json, Seq2SeqConfig* config) {
  ASSIGN_OR_RETURN(config->encoder, ParseT5Stack(json, /*decoder=*/false));
  ASSIGN_OR_RETURN(config->decoder, ParseT5Stack(json, /*decoder=*/true));
  ASSIGN_OR_RETURN(config->padding_id, GetInt(json, "pad_token_id", 0));
  if (absl::string_view(config->family->model_type) != "t5") return absl::OkStatus();
  // Newer files say it, in older ones it goes with the embeddings' being the head's.
  ASSIGN_OR_RETURN(const bool tied, GetBool(json, "tie_word_embeddings", true));
  ASSIGN_OR_RETURN(const bool scales, GetBool(json, "scale_decoder_outputs", tied));
  if (scales) {
    config->logits_scale =
        static_cast<float>(1 / std::sqrt(static_cast<double>(config->decoder.hidden_size)));
  }
  return absl::OkStatus();
}

absl::StatusOr<Seq2SeqConfig> Parse(const Seq2SeqFamily& family, const nlohmann::json& json) {
  Seq2SeqConfig config;
  config.family = &family;
  RETURN_IF_ERROR(CheckClass(family, json));
  RETURN_IF_ERROR(RequireNull(json, "quantization_config"));
  RETURN_IF_ERROR(family.kind == Seq2SeqKind::kBart ? ParseBart(json, &config)
                                                    : ParseT5(json, &config));
  return config;
}

}  // namespace

absl::StatusOr<Seq2SeqConfig> ParseSeq2SeqConfig(const Seq2SeqFamily& family,
                                                 const nlohmann::json& config) {
  absl::StatusOr<Seq2SeqConfig> parsed = Parse(family, config);
  if (parsed.ok()) return parsed;
  return InConfigJson(parsed.status());
}

}  // namespace attentiond
