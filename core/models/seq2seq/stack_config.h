// core/models/seq2seq/stack_config.h -- what an encoder-decoder's two stacks of layers are, for
// every family.
#pragma once

#include <cstdint>
#include <optional>

#include "core/models/relative_bucket.h"
#include "core/tensor/activation_kind.h"

namespace attentiond {

/// What is added to a token's embedding for where it is.
enum class PositionTable : uint8_t {
  kNone,
  kLearned,               ///< a stored table
  kSinusoids,             ///< sines in the first half of the channels, cosines in the second
  kSinusoidsWithPadding,  ///< the same, other frequencies, and zeros for the padding token
};

/// A stack of transformer layers: embeddings, layers, a norm. Symbols: E hidden_size.
struct StackConfig {
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t num_layers = 0;
  int64_t num_heads = 0;
  int64_t head_dim = 0;  ///< num_heads * head_dim need not be E
  int64_t intermediate_size = 0;
  Activation activation = Activation::kGeluErf;
  bool gated = false;  ///< feed-forward layers multiply two projections

  bool norm_first = false;    ///< x + f(norm(x)); else norm(x + f(x))
  bool subtract_mean = true;  ///< false: RMS norms, without shift
  float norm_epsilon = 1e-5f;
  bool embeddings_norm = false, final_norm = false;
  bool linear_bias = true;  ///< linear layers have one

  float embedding_scale = 1;  ///< multiplies a token's embedding
  PositionTable positions = PositionTable::kNone;
  int64_t first_position = 0;               ///< row of the table that the first token takes
  int64_t max_tokens = 0;                   ///< that it has positions for
  float attention_scale = 1;                ///< multiplies the products of queries and keys
  std::optional<RelativeBuckets> relative;  ///< a bias by distance in self-attention

  int64_t attention_width() const { return num_heads * head_dim; }
  int64_t position_rows() const { return max_tokens + first_position; }
};

/// Names of a stack's weights, without ".weight" and ".bias". What follows `layers` comes after
/// "<layers>.<index>.". Empty: there is none.
struct StackNames {
  struct AttentionNames {
    const char* query_key_value = "";  ///< one matrix of the three below, which are not read
    const char* query = "";
    const char* key_value = "";  ///< one matrix of the two below
    const char* key = "";
    const char* value = "";
    const char* output = "";
    const char* norm = "";
  };
  const char* embeddings = "";
  const char* positions = "";
  const char* embeddings_norm = "";
  const char* layers = "";
  AttentionNames self, cross;
  const char* up = "";
  const char* gate = "";
  const char* down = "";
  const char* norm = "";  ///< of the feed-forward part
  const char* final_norm = "";
  const char* relative_bias = "";
  bool transposed = false;  ///< linear layers are stored [in, out]
};

}  // namespace attentiond
