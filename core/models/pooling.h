// core/models/pooling.h -- one vector for a text, from the hidden states of its tokens.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "core/tensor/tensor.h"

namespace attentiond {

/// What a request may choose.
enum class Pooling : uint8_t {
  kModelDefault,  ///< what the checkpoint says, else the mean
  kMean,          ///< the mean over all tokens, special ones included
  kCls,           ///< the first token
};

/// What a checkpoint may say, as the sentence-transformers library defines it.
enum class PoolingMode : uint8_t {
  kCls,             ///< the first token
  kMax,             ///< the largest of each channel
  kMean,            ///< the mean
  kMeanSqrtLength,  ///< the sum divided by the square root of the number of tokens
  kWeightedMean,    ///< the mean, weighted by 1, 2, 3...
  kLast,            ///< the last token
};

/// The mean of rows [begin, end) of `hidden`, [tokens, width] of f32 or bf16; summed in f32.
void MeanOfTokens(const TensorView& hidden, int64_t begin, int64_t end, absl::Span<float> mean);

/// The same rows pooled by each of `modes`, one after the other: modes.size() * width values.
std::vector<float> Pool(const TensorView& hidden, int64_t begin, int64_t end,
                        absl::Span<const PoolingMode> modes);

/// To L2 length 1; a zero vector stays zero.
void NormalizeL2(absl::Span<float> vector);

}  // namespace attentiond
