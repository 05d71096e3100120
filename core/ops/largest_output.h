// core/ops/largest_output.h -- the largest output of a wide linear layer, without reading all of
// its weights.
//
// A decoder's head is by far its largest matrix, and memory is what a few rows wait for. Greedy
// decoding wants one of its outputs: 8-bit integers, half as much to read, tell which outputs can
// be the largest at all, and only those are computed as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/ops/execution_context.h"
#include "core/ops/linear.h"
#include "core/tensor/tensor.h"

namespace attentiond {

/// Of one row.
struct LargestOutput {
  absl::Span<const int32_t> excluded;  ///< outputs that are not to be found, ascending
  int32_t output = -1;                 ///< of equal ones the first; -1: there is none but NaN
  float value = 0;                     ///< the layer's, bit for bit
  /// log(sum of exp(outputs)), the excluded ones too. Those that can be the largest count as they
  /// are, the others as their integers have them.
  float log_sum_exp = 0;
};

/// Finds them in one layer. Immutable; may be shared by contexts.
class LargestOutputSearch {
 public:
  /// `weight` and `bias` are those of `layer`, as Linear::Create() takes them. Nothing is made for
  /// a layer that is not of bf16 on the matrix unit, or so small that the caches hold it.
  ///
  /// Errors  those of Linear::Create().
  static absl::StatusOr<std::optional<LargestOutputSearch>> Create(const TensorView& weight,
                                                                   const TensorView& bias,
                                                                   const Linear& layer);

  size_t packed_bytes() const;

  /// Fills `rows` for as many rows of x at that stride (elements); `layer` is the one that it was
  /// made for. A row's result does not depend on the others, bit for bit, nor on the threads.
  ///
  /// Numerics  with x', w' the integers times their scales, |x w - x' w'| <= |x| |w - w'| +
  ///           |x - x'| |w'| by Cauchy-Schwarz, with Euclidean norms: an output is computed unless
  ///           another's is larger by more than both bounds.
  void Run(const Linear& layer, const void* x, int64_t x_stride, absl::Span<LargestOutput> rows,
           ExecutionContext& context) const;

 private:
  class Search;

  /// Of the outputs of a block, the largest of each.
  struct BlockBounds {
    float residual_norm = 0;  ///< |w - w'|
    float norm = 0;           ///< |w'|
    float rounding = 0;       ///< of the sum with the bias
  };

  LargestOutputSearch(Linear rough, int64_t block, std::vector<BlockBounds> bounds);

  Linear rough_;
  int64_t block_;  // outputs that are computed together: whole panels of both layers
  std::vector<BlockBounds> bounds_;
};

}  // namespace attentiond
