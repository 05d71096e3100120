// core/models/pooling.h -- one vector for a text, from the hidden states of its tokens.
#pragma once

#include <cstdint>
#include <vector>

#include "core/tensor/tensor.h"

namespace attentiond {

enum class Pooling : uint8_t {
  kModelDefault,  ///< what the checkpoint says, else the mean
  kMean,          ///< the mean over all tokens, special ones included
  kCls,           ///< the first token
};

struct PoolingArgs {
  Pooling pooling = Pooling::kMean;  ///< kMean or kCls
  int64_t dimensions = 0;            ///< the leading channels to keep; 0: all
  bool normalize = true;             ///< to L2 length 1, after the cut; a zero vector stays zero
};

/// The embedding of `tokens`, [at least 1, width] of f32 or bf16; sums in f32.
std::vector<float> Pool(const TensorView& tokens, const PoolingArgs& args);

}  // namespace attentiond
