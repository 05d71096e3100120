// core/models/encoder_family.cc -- the table of families.
#include "core/models/encoder_family.h"

#include <algorithm>

namespace attentiond {
namespace {

// Heads that several families share; RoBERTa's is also CamemBERT's, XLM-RoBERTa's and MPNet's.
constexpr ClassificationHeadNames kRobertaHead = {
    .dense = "classifier.dense", .activation = Activation::kTanh, .output = "classifier.out_proj"};
constexpr EncoderDefaults kRobertaDefaults = {.padding_id = 1};

// Source of all: the checkpoints that transformers saves.
constexpr EncoderFamily kFamilies[] = {
    // Devlin et al. 2018, arXiv:1810.04805.
    {.model_type = "bert",
     .class_name = "Bert",
     .prefix = "bert.",
     .head = {.dense = "bert.pooler.dense", .activation = Activation::kTanh}},
    // Sanh et al. 2019, arXiv:1910.01108.
    {.model_type = "distilbert",
     .class_name = "DistilBert",
     .prefix = "distilbert.",
     .keys = {.hidden_size = "dim",
              .num_layers = "n_layers",
              .num_heads = "n_heads",
              .intermediate_size = "hidden_dim",
              .activation = "activation",
              .type_vocab_size = nullptr,
              .layer_norm_eps = nullptr},
     .names = {.type_embeddings = nullptr,
               .layers = "transformer.layer",
               .query = "attention.q_lin",
               .key = "attention.k_lin",
               .value = "attention.v_lin",
               .attention_output = "attention.out_lin",
               .attention_norm = "sa_layer_norm",
               .intermediate = "ffn.lin1",
               .output = "ffn.lin2",
               .output_norm = "output_layer_norm"},
     .head = {.dense = "pre_classifier", .activation = Activation::kRelu}},
    // Liu et al. 2019, arXiv:1907.11692.
    {.model_type = "roberta",
     .class_name = "Roberta",
     .prefix = "roberta.",
     .defaults = kRobertaDefaults,
     .head = kRobertaHead,
     .counting = PositionCounting::kAfterPaddingId},
    // Conneau et al. 2019, arXiv:1911.02116.
    {.model_type = "xlm-roberta",
     .class_name = "XLMRoberta",
     .prefix = "roberta.",
     .defaults = kRobertaDefaults,
     .head = kRobertaHead,
     .counting = PositionCounting::kAfterPaddingId},
    // Martin et al. 2019, arXiv:1911.03894.
    {.model_type = "camembert",
     .class_name = "Camembert",
     .prefix = "roberta.",
     .defaults = kRobertaDefaults,
     .head = kRobertaHead,
     .counting = PositionCounting::kAfterPaddingId},
    // Clark et al. 2020, arXiv:2003.10555.
    {.model_type = "electra",
     .class_name = "Electra",
     .prefix = "electra.",
     .keys = {.embedding_size = "embedding_size"},
     .names = {.embedding_projection = "embeddings_project"},
     .head = {.dense = "classifier.dense",
              .activation = Activation::kGeluErf,
              .output = "classifier.out_proj"},
     .projection = EmbeddingProjection::kAfterNorm},
    // Lan et al. 2019, arXiv:1909.11942.
    {.model_type = "albert",
     .class_name = "Albert",
     .prefix = "albert.",
     .keys = {.embedding_size = "embedding_size"},
     .defaults = {.activation = "gelu_new"},
     .names = {.embedding_projection = "encoder.embedding_hidden_mapping_in",
               .layers = "encoder.albert_layer_groups",
               .group_layers = "albert_layers",
               .query = "attention.query",
               .key = "attention.key",
               .value = "attention.value",
               .attention_output = "attention.dense",
               .attention_norm = "attention.LayerNorm",
               .intermediate = "ffn",
               .output = "ffn_output",
               .output_norm = "full_layer_layer_norm"},
     .head = {.dense = "albert.pooler", .activation = Activation::kTanh},
     .projection = EmbeddingProjection::kAlways},
    // Song et al. 2020, arXiv:2004.09297.
    {.model_type = "mpnet",
     .class_name = "MPNet",
     .prefix = "mpnet.",
     .keys = {.type_vocab_size = nullptr},
     .defaults = kRobertaDefaults,
     .names = {.type_embeddings = nullptr,
               .query = "attention.attn.q",
               .key = "attention.attn.k",
               .value = "attention.attn.v",
               .attention_output = "attention.attn.o",
               .attention_norm = "attention.LayerNorm"},
     .head = kRobertaHead,
     .counting = PositionCounting::kAfterOne,
     .scores = PositionScoresKind::kBucketBias},
    // He et al. 2020 and 2021, arXiv:2006.03654 and arXiv:2111.09543.
    {.model_type = "deberta-v2",
     .class_name = "DebertaV2",
     .prefix = "deberta.",
     .keys = {.embedding_size = "embedding_size"},
     .defaults = {.layer_norm_eps = 1e-7, .token_types = false},
     .names = {.embedding_projection = "embeddings.embed_proj",
               .query = "attention.self.query_proj",
               .key = "attention.self.key_proj",
               .value = "attention.self.value_proj"},
     .head = {.dense = "pooler.dense",
              .activation = Activation::kGeluErf,
              .activation_key = "pooler_hidden_act"},
     .projection = EmbeddingProjection::kBeforeNorm,
     .scores = PositionScoresKind::kDisentangled},
    // Warner et al. 2024, arXiv:2412.13663.
    {.model_type = "modernbert",
     .class_name = "ModernBert",
     .prefix = "model.",
     .keys = {.activation = "hidden_activation",
              .type_vocab_size = nullptr,
              .layer_norm_eps = "norm_eps"},
     .defaults = {.layer_norm_eps = 1e-5},
     .names = {.word_embeddings = "embeddings.tok_embeddings",
               .position_embeddings = nullptr,
               .type_embeddings = nullptr,
               .embeddings_norm = "embeddings.norm",
               .layers = "layers",
               .query_key_value = "attn.Wqkv",
               .attention_output = "attn.Wo",
               .attention_norm = "attn_norm",
               .intermediate = "mlp.Wi",
               .output = "mlp.Wo",
               .output_norm = "mlp_norm",
               .final_norm = "final_norm"},
     .head = {.dense = "head.dense",
              .activation = Activation::kGeluErf,
              .activation_key = "classifier_activation",
              .norm = "head.norm",
              .tokens_use_dense = true},
     .block = EncoderBlock::kPreNormGated,
     .scores = PositionScoresKind::kRotary},
};

}  // namespace

absl::Span<const EncoderFamily> EncoderFamilies() { return kFamilies; }

const EncoderFamily* FindEncoderFamily(absl::string_view model_type) {
  const auto found =
      std::find_if(std::begin(kFamilies), std::end(kFamilies),
                   [&](const EncoderFamily& family) { return family.model_type == model_type; });
  return found == std::end(kFamilies) ? nullptr : found;
}

}  // namespace attentiond
