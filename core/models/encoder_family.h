// core/models/encoder_family.h -- what differs between the families of encoders, as data.
//
// A family that computes what BERT computes under other names is a row of the table in
// encoder_family.cc and nothing else. What a name defaults to is BERT's.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/tensor/activation_kind.h"

namespace attentiond {

/// Keys of config.json. nullptr: the family has no such key.
struct EncoderConfigKeys {
  const char* hidden_size = "hidden_size";
  const char* num_layers = "num_hidden_layers";
  const char* num_heads = "num_attention_heads";
  const char* intermediate_size = "intermediate_size";
  const char* activation = "hidden_act";
  const char* type_vocab_size = "type_vocab_size";
  const char* layer_norm_eps = "layer_norm_eps";
  const char* embedding_size = nullptr;  ///< width of the tables; nullptr: the hidden size
};

/// What a configuration means that leaves a key out.
struct EncoderDefaults {
  const char* activation = "gelu";
  double layer_norm_eps = 1e-12;
  int64_t padding_id = 0;
  bool token_types = true;  ///< false: `type_vocab_size` may be 0 or left out, there are none then
};

/// Names of the encoder's weights, without ".weight" and ".bias". What follows `layers` comes after
/// "<layers>.<index>.".
struct EncoderWeightNames {
  const char* word_embeddings = "embeddings.word_embeddings";
  const char* position_embeddings = "embeddings.position_embeddings";  ///< nullptr: no table
  const char* type_embeddings = "embeddings.token_type_embeddings";    ///< nullptr: no token types
  const char* embeddings_norm = "embeddings.LayerNorm";
  const char* embedding_projection = nullptr;  ///< nullptr: the tables are as wide as the layers
  const char* layers = "encoder.layer";
  const char* group_layers = nullptr;  ///< "<layers>.<group>.<group_layers>.<index>." if not null
  const char* query_key_value = nullptr;  ///< one matrix of the three below, which are not read
  const char* query = "attention.self.query";
  const char* key = "attention.self.key";
  const char* value = "attention.self.value";
  const char* attention_output = "attention.output.dense";
  const char* attention_norm = "attention.output.LayerNorm";
  const char* intermediate = "intermediate.dense";
  const char* output = "output.dense";
  const char* output_norm = "output.LayerNorm";
  const char* final_norm = nullptr;  ///< after the last layer
};

/// The classification heads. Full names. Of a sequence: output(norm(activation(dense(x)))), x the
/// first token's hidden state or the mean of all. Of tokens: output(x), or the same.
struct ClassificationHeadNames {
  const char* dense = nullptr;
  Activation activation = Activation::kTanh;
  const char* activation_key = nullptr;  ///< of config.json, says otherwise; nullptr: there is none
  const char* norm = nullptr;            ///< nullptr: there is none
  const char* output = "classifier";
  bool tokens_use_dense = false;  ///< token classifiers have all of it; else only "classifier"
};

/// Which row of the position table the first token takes, and how it goes on.
enum class PositionCounting : uint8_t {
  kFromZero,
  kAfterPaddingId,  ///< padding id + 1, and on; padding ids in a text take padding id's and count
                    ///< not
  kAfterOne,        ///< the same as if the padding id were 1
};

/// When the embeddings' projection is applied.
enum class EmbeddingProjection : uint8_t {
  kNever,
  kAfterNorm,   ///< when the sizes differ; and norms the tables' width
  kAlways,      ///< after the norm, also when the sizes are the same
  kBeforeNorm,  ///< when the sizes differ, without bias
};

/// What a layer does around attention and its feed-forward part.
enum class EncoderBlock : uint8_t {
  kPostNorm,      ///< x = norm(x + f(x)), twice
  kPreNorm,       ///< x = x + f(norm(x)), twice
  kPreNormGated,  ///< x = x + f(norm(x)), twice; the second f multiplies two projections
};

/// What attention knows of positions besides the embeddings.
enum class PositionScoresKind : uint8_t {
  kNone,
  kBucketBias,    ///< MPNet: core/models/bucket_bias.h
  kDisentangled,  ///< DeBERTa: core/models/disentangled_scores.h
  kRotary,        ///< ModernBERT: rotated queries and keys, and windows in some layers
};

struct EncoderFamily {
  const char* model_type;  ///< config.json's model_type
  const char* class_name;  ///< what the names in config.json's `architectures` begin with
  const char* prefix;      ///< before the encoder's weights in checkpoints with a head
  EncoderConfigKeys keys = {};
  EncoderDefaults defaults = {};
  EncoderWeightNames names = {};
  ClassificationHeadNames head = {};
  PositionCounting counting = PositionCounting::kFromZero;
  EmbeddingProjection projection = EmbeddingProjection::kNever;
  EncoderBlock block = EncoderBlock::kPostNorm;
  PositionScoresKind scores = PositionScoresKind::kNone;
};

/// Every family that is supported.
absl::Span<const EncoderFamily> EncoderFamilies();

/// nullptr when there is none of this model_type.
const EncoderFamily* FindEncoderFamily(absl::string_view model_type);

}  // namespace attentiond
