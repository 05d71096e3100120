// core/models/seq2seq/stack_weights.h -- the weights of a stack of layers, packed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/models/seq2seq/stack_config.h"
#include "core/models/weight_loader.h"

namespace attentiond {

/// Symbols: E hidden_size, A attention_width, I intermediate_size, M width of the states that cross
/// attention reads.
struct StackLayerWeights {
  struct SelfAttention {
    Linear query_key_value;  ///< E -> 3A
    Linear output;           ///< A -> E
    NormWeights norm;
  };
  struct CrossAttention {
    Linear query;      ///< E -> A
    Linear key_value;  ///< M -> 2A
    Linear output;     ///< A -> E
    NormWeights norm;
  };
  SelfAttention self;
  std::optional<CrossAttention> cross;
  Linear up;                   ///< E -> I, activated
  std::optional<Linear> gate;  ///< E -> I
  Linear down;                 ///< I -> E
  NormWeights norm;
};

struct StackWeights {
  std::shared_ptr<const Tensor> embeddings;  ///< [vocab_size, E]
  Tensor positions;                          ///< [position_rows, E]
  std::optional<NormWeights> embeddings_norm;
  std::vector<StackLayerWeights> layers;
  std::optional<NormWeights> final_norm;
  Tensor relative_bias;  ///< [buckets, heads]
};

/// Loads a stack but for its embeddings. `memory_width` is M; 0: there is no cross attention.
/// `padding_id` has no place in a table of sinusoids. Errors: those of WeightLoader.
absl::StatusOr<StackWeights> LoadStackWeights(const StackConfig& config, const StackNames& names,
                                              int64_t memory_width, int64_t padding_id,
                                              LinearTypes types, WeightLoader* loader);

}  // namespace attentiond
