// core/models/encoder_family.h -- what differs between the families of BERT-like encoders, as data.
//
// A family that computes what BERT computes under other names is a row of the table in
// encoder_family.cc and nothing else.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/tensor/activation_kind.h"

namespace attentiond {

/// Keys of config.json. nullptr: the family has no such key.
struct EncoderConfigKeys {
  const char* hidden_size;
  const char* num_layers;
  const char* num_heads;
  const char* intermediate_size;
  const char* activation;
  const char* type_vocab_size;
  const char* layer_norm_eps;
};

/// Names of the encoder's weights, without ".weight" and ".bias". What follows `layers` comes after
/// "<layers>.<index>.".
struct EncoderWeightNames {
  const char* word_embeddings;
  const char* position_embeddings;
  const char* type_embeddings;  ///< nullptr: the family has no token types
  const char* embeddings_norm;
  const char* layers;
  const char* query;
  const char* key;
  const char* value;
  const char* attention_output;
  const char* attention_norm;
  const char* intermediate;
  const char* output;
  const char* output_norm;
};

/// The classification head: logits = output(activation(dense(first token))). Full names.
struct ClassificationHeadNames {
  const char* dense;
  Activation activation;
  const char* output;
};

struct EncoderFamily {
  const char* model_type;  ///< config.json's model_type
  const char* class_name;  ///< what the names in config.json's `architectures` begin with
  const char* prefix;      ///< before the encoder's weights in checkpoints with a head
  EncoderConfigKeys keys;
  EncoderWeightNames names;
  ClassificationHeadNames head;
};

/// Every family that is supported.
absl::Span<const EncoderFamily> EncoderFamilies();

/// nullptr when there is none of this model_type.
const EncoderFamily* FindEncoderFamily(absl::string_view model_type);

}  // namespace attentiond
