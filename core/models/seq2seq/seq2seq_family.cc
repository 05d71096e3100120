#include "core/models/seq2seq/seq2seq_family.h"

#include "absl/types/span.h"

namespace attentiond {
namespace {

constexpr Seq2SeqFamily kFamilies[] = {
    {.model_type = "marian",
     .class_name = "MarianMTModel",
     .kind = Seq2SeqKind::kBart,
     .positions = PositionTable::kSinusoids},
    {.model_type = "bart",
     .class_name = "BartForConditionalGeneration",
     .kind = Seq2SeqKind::kBart,
     .embeddings_norm = true,
     .positions = PositionTable::kLearned,
     .first_position = 2},
    {.model_type = "mbart",
     .class_name = "MBartForConditionalGeneration",
     .kind = Seq2SeqKind::kBart,
     .norm_first = true,
     .embeddings_norm = true,
     .final_norm = true,
     .positions = PositionTable::kLearned,
     .first_position = 2},
    {.model_type = "m2m_100",
     .class_name = "M2M100ForConditionalGeneration",
     .kind = Seq2SeqKind::kBart,
     .norm_first = true,
     .final_norm = true,
     .positions = PositionTable::kSinusoidsWithPadding,
     .first_position = 2,
     .activation = "relu"},
    {.model_type = "t5", .class_name = "T5ForConditionalGeneration", .kind = Seq2SeqKind::kT5},
    {.model_type = "mt5", .class_name = "MT5ForConditionalGeneration", .kind = Seq2SeqKind::kT5},
};

constexpr StackNames BartStack(bool decoder) {
  StackNames names;
  names.embeddings = decoder ? "model.decoder.embed_tokens" : "model.encoder.embed_tokens";
  names.positions = decoder ? "model.decoder.embed_positions" : "model.encoder.embed_positions";
  names.embeddings_norm =
      decoder ? "model.decoder.layernorm_embedding" : "model.encoder.layernorm_embedding";
  names.layers = decoder ? "model.decoder.layers" : "model.encoder.layers";
  names.self = {.query = "self_attn.q_proj",
                .key = "self_attn.k_proj",
                .value = "self_attn.v_proj",
                .output = "self_attn.out_proj",
                .norm = "self_attn_layer_norm"};
  names.cross = {.query = "encoder_attn.q_proj",
                 .key = "encoder_attn.k_proj",
                 .value = "encoder_attn.v_proj",
                 .output = "encoder_attn.out_proj",
                 .norm = "encoder_attn_layer_norm"};
  names.up = "fc1";
  names.down = "fc2";
  names.norm = "final_layer_norm";
  names.final_norm = decoder ? "model.decoder.layer_norm" : "model.encoder.layer_norm";
  return names;
}

constexpr StackNames T5Stack(bool decoder, bool gated) {
  StackNames names;
  names.embeddings = decoder ? "decoder.embed_tokens" : "encoder.embed_tokens";
  names.layers = decoder ? "decoder.block" : "encoder.block";
  names.self = {.query = "layer.0.SelfAttention.q",
                .key = "layer.0.SelfAttention.k",
                .value = "layer.0.SelfAttention.v",
                .output = "layer.0.SelfAttention.o",
                .norm = "layer.0.layer_norm"};
  names.cross = {.query = "layer.1.EncDecAttention.q",
                 .key = "layer.1.EncDecAttention.k",
                 .value = "layer.1.EncDecAttention.v",
                 .output = "layer.1.EncDecAttention.o",
                 .norm = "layer.1.layer_norm"};
  if (decoder) {
    names.up = gated ? "layer.2.DenseReluDense.wi_0" : "layer.2.DenseReluDense.wi";
    names.gate = gated ? "layer.2.DenseReluDense.wi_1" : "";
    names.down = "layer.2.DenseReluDense.wo";
    names.norm = "layer.2.layer_norm";
  } else {
    names.up = gated ? "layer.1.DenseReluDense.wi_0" : "layer.1.DenseReluDense.wi";
    names.gate = gated ? "layer.1.DenseReluDense.wi_1" : "";
    names.down = "layer.1.DenseReluDense.wo";
    names.norm = "layer.1.layer_norm";
  }
  names.final_norm = decoder ? "decoder.final_layer_norm" : "encoder.final_layer_norm";
  names.relative_bias = decoder ? "decoder.block.0.layer.0.SelfAttention.relative_attention_bias"
                                : "encoder.block.0.layer.0.SelfAttention.relative_attention_bias";
  return names;
}

constexpr StackNames kBart[] = {BartStack(false), BartStack(true)};
constexpr StackNames kT5[2][2] = {{T5Stack(false, false), T5Stack(false, true)},
                                  {T5Stack(true, false), T5Stack(true, true)}};

}  // namespace

absl::Span<const Seq2SeqFamily> Seq2SeqFamilies() { return kFamilies; }

const Seq2SeqFamily* FindSeq2SeqFamily(absl::string_view model_type) {
  for (const Seq2SeqFamily& family : kFamilies) {
    if (family.model_type == model_type) return &family;
  }
  return nullptr;
}

const StackNames& EncoderNames(const Seq2SeqFamily& family, bool gated) {
  return family.kind == Seq2SeqKind::kBart ? kBart[0] : kT5[0][gated ? 1 : 0];
}

const StackNames& DecoderNames(const Seq2SeqFamily& family, bool gated) {
  return family.kind == Seq2SeqKind::kBart ? kBart[1] : kT5[1][gated ? 1 : 0];
}

}  // namespace attentiond
