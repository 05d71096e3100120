// core/ops/feed_forward.h -- a transformer's feed-forward layers as one operation.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "core/ops/execution_context.h"
#include "core/ops/layer_norm.h"
#include "core/ops/linear.h"

namespace attentiond {

/// What comes before feed-forward layers: y = layer(x) + y, and their x is norm(y).
struct FeedForwardInput {
  const Linear* layer = nullptr;  ///< -> [in]; of the types of the others
  const void* x = nullptr;        ///< [rows, the layer's inputs] at x_stride
  int64_t x_stride = 0;           ///< elements
  void* y = nullptr;              ///< [rows, in] at FeedForwardArgs::x_stride
  /// Its gamma, beta and epsilon.
  const LayerNormArgs* norm = nullptr;
  void* normed = nullptr;  ///< FeedForwardArgs::x; may be y
};

/// y = norm(down(activation(up(x))) + residual), token by token.
struct FeedForwardArgs {
  const Linear* up = nullptr;    ///< [in] -> [inner]
  const Linear* down = nullptr;  ///< [inner] -> [out]; of the same types
  Activation activation = Activation::kNone;
  const void* x = nullptr;         ///< [rows, in] at x_stride, of up's activations' type
  int64_t x_stride = 0;            ///< elements
  const void* residual = nullptr;  ///< [rows, out] at y_stride; nullptr: none
  void* y = nullptr;  ///< [rows, out] at y_stride; may be x, if out = in, and may be the residual
  int64_t y_stride = 0;
  int64_t rows = 0;
  /// Its gamma, beta and epsilon; nullptr: no normalisation.
  const LayerNormArgs* norm = nullptr;
  const FeedForwardInput* input = nullptr;  ///< nullptr: x is there
};

/// What comes between the layers never leaves the second-level cache where that is faster; the
/// results are the same bits as those of the operations one after the other.
///
/// Errors  those of Linear::Run().
/// Source  Vaswani et al. 2017, arXiv:1706.03762, section 3.3. Threads: context's.
absl::Status FeedForward(const FeedForwardArgs& args, ExecutionContext& context);

}  // namespace attentiond
