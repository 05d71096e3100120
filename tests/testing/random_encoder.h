// tests/testing/random_encoder.h -- checkpoints of encoders of any family and size, with random
// weights.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "core/models/encoder_family.h"
#include "tests/testing/checkpoint_builder.h"

namespace attentiond::testing {

struct EncoderSizes {
  int64_t hidden_size = 24;
  int64_t num_layers = 2;
  int64_t num_heads = 3;
  int64_t intermediate_size = 40;
  int64_t vocab_size = 50;
  int64_t max_positions = 20;
  int64_t type_vocab_size = 2;
  int64_t num_labels = 3;
};

inline nlohmann::json EncoderConfigJson(const EncoderFamily& family, const EncoderSizes& sizes,
                                        bool classifies) {
  nlohmann::json config = {
      {"model_type", family.model_type},
      {"architectures",
       {absl::StrCat(family.class_name, classifies ? "ForSequenceClassification" : "Model")}},
      {"vocab_size", sizes.vocab_size},
      {"max_position_embeddings", sizes.max_positions},
      {"num_labels", sizes.num_labels}};
  config[family.keys.hidden_size] = sizes.hidden_size;
  config[family.keys.num_layers] = sizes.num_layers;
  config[family.keys.num_heads] = sizes.num_heads;
  config[family.keys.intermediate_size] = sizes.intermediate_size;
  config[family.keys.activation] = "gelu";
  if (family.keys.type_vocab_size != nullptr) {
    config[family.keys.type_vocab_size] = sizes.type_vocab_size;
  }
  return config;
}

/// A whole checkpoint as transformers saves it: with a head the encoder's names have the family's
/// prefix, without one they have none.
inline CheckpointBuilder RandomEncoder(const EncoderFamily& family, const EncoderSizes& sizes,
                                       bool classifies, DType dtype = DType::kF32) {
  CheckpointBuilder builder(EncoderConfigJson(family, sizes, classifies), dtype);
  const EncoderWeightNames& names = family.names;
  const std::string prefix = classifies ? family.prefix : "";
  const int64_t hidden = sizes.hidden_size;
  const auto table = [&](const char* name, int64_t rows) {
    builder.AddRandom(absl::StrCat(prefix, name, ".weight"), Shape{rows, hidden}, 0.5f);
  };
  table(names.word_embeddings, sizes.vocab_size);
  table(names.position_embeddings, sizes.max_positions);
  if (names.type_embeddings != nullptr) table(names.type_embeddings, sizes.type_vocab_size);
  builder.AddNorm(prefix + names.embeddings_norm, hidden);
  for (int64_t index = 0; index < sizes.num_layers; ++index) {
    const std::string layer = absl::StrCat(prefix, names.layers, ".", index, ".");
    for (const char* name : {names.query, names.key, names.value, names.attention_output}) {
      builder.AddLinear(layer + name, hidden, hidden);
    }
    builder.AddNorm(layer + names.attention_norm, hidden);
    builder.AddLinear(layer + names.intermediate, sizes.intermediate_size, hidden);
    builder.AddLinear(layer + names.output, hidden, sizes.intermediate_size);
    builder.AddNorm(layer + names.output_norm, hidden);
  }
  if (classifies) {
    builder.AddLinear(family.head.dense, hidden, hidden);
    builder.AddLinear(family.head.output, sizes.num_labels, hidden);
  }
  return builder;
}

}  // namespace attentiond::testing
