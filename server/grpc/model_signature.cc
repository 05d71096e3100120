// server/grpc/model_signature.cc -- the tables of protocol inputs and outputs, one function per
// kind.
#include "server/grpc/model_signature.h"

#include <algorithm>

#include "server/inference/wire_type.h"

namespace attentiond {
namespace {

constexpr bool kOptional = true;
constexpr int64_t kAny = -1;

ModelSignature AttentionSignature() {
  const absl::InlinedVector<WireType, 3> operand = {DType::kF32, DType::kBF16, DType::kF16};
  const std::vector<int64_t> rank4(4, kAny);
  return {.platform = "attentiond_attention",
          .has_rows = false,
          .inputs = {{"query", operand, rank4},
                     {"key", operand, rank4},
                     {"value", operand, rank4},
                     {"mask", {DType::kBool}, rank4, kOptional},
                     {"bias", {DType::kF32}, rank4, kOptional},
                     {"kv_lengths", {DType::kI64, DType::kI32}, {kAny}, kOptional}},
          .outputs = {{"output", operand, rank4},
                      {"weights", {DType::kF32}, rank4, kOptional},
                      {"lse", {DType::kF32}, {kAny, kAny, kAny}, kOptional}}};
}

ModelSignature AttentionLayerSignature(const ModelInfo& info) {
  return {.platform = "attentiond_attention_layer",
          .inputs = {{"query", {DType::kF32}, {kAny, kAny, info.hidden_size}},
                     {"key", {DType::kF32}, {kAny, kAny, info.key_size}, kOptional},
                     {"value", {DType::kF32}, {kAny, kAny, info.value_size}, kOptional},
                     {"kv_lengths", {DType::kI64, DType::kI32}, {kAny}, kOptional}},
          .outputs = {{"output", {DType::kF32}, {kAny, kAny, info.hidden_size}},
                      {"weights", {DType::kF32}, {kAny, info.num_heads, kAny, kAny}, kOptional}}};
}

std::vector<TensorSpec> TextInputs() {
  return {{"text", {kBytes}, {kAny}, kOptional},
          {"text_pair", {kBytes}, {kAny}, kOptional},
          {"input_ids", {DType::kI64}, {kAny, kAny}, kOptional},
          {"attention_mask", {DType::kI64}, {kAny, kAny}, kOptional},
          {"token_type_ids", {DType::kI64}, {kAny, kAny}, kOptional}};
}

void AppendEncoderOutputs(const ModelInfo& info, std::vector<TensorSpec>* outputs) {
  outputs->push_back({"input_ids", {DType::kI64}, {kAny, kAny}, kOptional});
  outputs->push_back({"attentions",
                      {DType::kF32},
                      {kAny, info.num_layers, info.num_heads, kAny, kAny},
                      kOptional});
}

ModelSignature SequenceClassificationSignature(const ModelInfo& info) {
  const int64_t labels = info.labels.empty() ? kAny : static_cast<int64_t>(info.labels.size());
  ModelSignature signature = {
      .platform = "attentiond_sequence_classification",
      .inputs = TextInputs(),
      .outputs = {{"label", {kBytes}, {kAny}},
                  {"score", {DType::kF32}, {kAny}},
                  {"probabilities", {DType::kF32}, {kAny, labels}, kOptional},
                  {"logits", {DType::kF32}, {kAny, labels}, kOptional}}};
  AppendEncoderOutputs(info, &signature.outputs);
  return signature;
}

ModelSignature TokenClassificationSignature(const ModelInfo& info) {
  ModelSignature signature = {.platform = "attentiond_token_classification",
                              .inputs = {{"text", {kBytes}, {kAny}}},
                              .outputs = {{"entities", {kBytes}, {kAny}},
                                          {"logits",
                                           {DType::kF32},
                                           {kAny, kAny, static_cast<int64_t>(info.labels.size())},
                                           kOptional}}};
  AppendEncoderOutputs(info, &signature.outputs);
  return signature;
}

ModelSignature EmbeddingSignature(const ModelInfo& info) {
  ModelSignature signature = {
      .platform = "attentiond_embedding",
      .inputs = TextInputs(),
      .outputs = {{"embedding", {DType::kF32}, {kAny, info.embedding_size}},
                  {"last_hidden_state", {DType::kF32}, {kAny, kAny, info.hidden_size}, kOptional}}};
  AppendEncoderOutputs(info, &signature.outputs);
  return signature;
}

// With `top_k` label and score are [-1, top_k].
ModelSignature ImageClassificationSignature(const ModelInfo& info) {
  const auto labels = static_cast<int64_t>(info.labels.size());
  return {.platform = "attentiond_image_classification",
          .inputs = {{"image", {kBytes}, {kAny}, kOptional},
                     {"pixel_values",
                      {DType::kF32},
                      {kAny, 3, info.image.height, info.image.width},
                      kOptional}},
          .outputs = {{"label", {kBytes}, {kAny}},
                      {"score", {DType::kF32}, {kAny}},
                      {"probabilities", {DType::kF32}, {kAny, labels}, kOptional},
                      {"logits", {DType::kF32}, {kAny, labels}, kOptional}}};
}

std::vector<TensorSpec> GeneratedOutputs() {
  return {{"generated_text", {kBytes}, {kAny}},
          {"score", {DType::kF32}, {kAny}},
          {"output_ids", {DType::kI64}, {kAny, kAny}, kOptional}};
}

ModelSignature TranslationSignature() {
  ModelSignature signature = {.platform = "attentiond_translation",
                              .inputs = {{"text", {kBytes}, {kAny}}},
                              .outputs = GeneratedOutputs()};
  signature.outputs.push_back({"input_ids", {DType::kI64}, {kAny, kAny}, kOptional});
  return signature;
}

ModelSignature CaptioningSignature(const ModelInfo& info) {
  return {.platform = "attentiond_image_captioning",
          .inputs = {{"image", {kBytes}, {kAny}, kOptional},
                     {"pixel_values",
                      {DType::kF32},
                      {kAny, 3, info.image.height, info.image.width},
                      kOptional}},
          .outputs = GeneratedOutputs()};
}

}  // namespace

absl::string_view WireTypeName(WireType type) {
  return type.has_value() ? WireName(*type) : absl::string_view("BYTES");
}

ModelSignature SignatureOf(const ModelInfo* info) {
  if (info == nullptr) return AttentionSignature();
  switch (info->kind) {
    case ModelKind::kAttentionLayer:
      return AttentionLayerSignature(*info);
    case ModelKind::kSequenceClassification:
      return SequenceClassificationSignature(*info);
    case ModelKind::kTokenClassification:
      return TokenClassificationSignature(*info);
    case ModelKind::kEmbedding:
      return EmbeddingSignature(*info);
    case ModelKind::kImageClassification:
      return ImageClassificationSignature(*info);
    case ModelKind::kTranslation:
      return TranslationSignature();
    case ModelKind::kCaptioning:
      return CaptioningSignature(*info);
  }
  return {};
}

const TensorSpec* FindSpec(const std::vector<TensorSpec>& specs, absl::string_view name) {
  const auto found = std::find_if(specs.begin(), specs.end(),
                                  [name](const TensorSpec& spec) { return spec.name == name; });
  return found == specs.end() ? nullptr : &*found;
}

}  // namespace attentiond
