// core/ops/layer_norm.h -- layer normalisation over the last dimension.
#pragma once

#include <cstdint>

#include "core/ops/execution_context.h"
#include "core/tensor/dtype.h"

namespace attentiond {

/// y[r,:] = (x[r,:] - mean) / sqrt(variance + epsilon) * gamma + beta, mean and (biased) variance
/// over the row in f32.
struct LayerNormArgs {
  const void* x = nullptr;    ///< [rows, width] at `stride`, `dtype`
  void* y = nullptr;          ///< [rows, width] at `stride`, `dtype`; may be x
  DType dtype = DType::kF32;  ///< kF32 or kBF16
  int64_t rows = 0, width = 0;
  int64_t stride = 0;            ///< elements from a row to the next; 0: width
  const float* gamma = nullptr;  ///< [width]
  const float* beta = nullptr;   ///< [width]
  float epsilon = 1e-5f;
  /// false: x / sqrt(mean of squares + epsilon) * gamma + beta, as RMSNorm
  /// (Zhang and Sennrich 2019, arXiv:1910.07467).
  bool subtract_mean = true;
};
/// Source: Ba et al. 2016, arXiv:1607.06450. Threads: context's.
void LayerNorm(const LayerNormArgs& args, ExecutionContext& context);

/// The rows [begin, end) alone, on the calling thread; not counted as a run.
void LayerNormRows(const LayerNormArgs& args, int64_t begin, int64_t end);

}  // namespace attentiond
