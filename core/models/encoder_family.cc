// core/models/encoder_family.cc -- the table of families.
#include "core/models/encoder_family.h"

#include <algorithm>

namespace attentiond {
namespace {

// Source of both: the checkpoints that transformers saves for Devlin et al. 2018 (arXiv:1810.04805)
// and Sanh et al. 2019 (arXiv:1910.01108).
constexpr EncoderFamily kFamilies[] = {
    {.model_type = "bert",
     .class_name = "Bert",
     .prefix = "bert.",
     .keys = {.hidden_size = "hidden_size",
              .num_layers = "num_hidden_layers",
              .num_heads = "num_attention_heads",
              .intermediate_size = "intermediate_size",
              .activation = "hidden_act",
              .type_vocab_size = "type_vocab_size",
              .layer_norm_eps = "layer_norm_eps"},
     .names = {.word_embeddings = "embeddings.word_embeddings",
               .position_embeddings = "embeddings.position_embeddings",
               .type_embeddings = "embeddings.token_type_embeddings",
               .embeddings_norm = "embeddings.LayerNorm",
               .layers = "encoder.layer",
               .query = "attention.self.query",
               .key = "attention.self.key",
               .value = "attention.self.value",
               .attention_output = "attention.output.dense",
               .attention_norm = "attention.output.LayerNorm",
               .intermediate = "intermediate.dense",
               .output = "output.dense",
               .output_norm = "output.LayerNorm"},
     .head = {.dense = "bert.pooler.dense",
              .activation = Activation::kTanh,
              .output = "classifier"}},
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
     .names = {.word_embeddings = "embeddings.word_embeddings",
               .position_embeddings = "embeddings.position_embeddings",
               .type_embeddings = nullptr,
               .embeddings_norm = "embeddings.LayerNorm",
               .layers = "transformer.layer",
               .query = "attention.q_lin",
               .key = "attention.k_lin",
               .value = "attention.v_lin",
               .attention_output = "attention.out_lin",
               .attention_norm = "sa_layer_norm",
               .intermediate = "ffn.lin1",
               .output = "ffn.lin2",
               .output_norm = "output_layer_norm"},
     .head = {.dense = "pre_classifier", .activation = Activation::kRelu, .output = "classifier"}},
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
