// server/inference/attention_validation.h -- from the named tensors of a request to AttentionArgs.
//
// The one place that knows what the built-in model `attention` accepts; both gRPC surfaces use it.
// Errors name the tensor or option, what was found and what is required, as FieldError()s.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/ops/attention.h"
#include "core/tensor/shape.h"
#include "core/tensor/tensor.h"

namespace attentiond {

/// The tensors of one request. Borrowed; each has as many bytes as its shape and type say.
///
/// Symbols: B sequences, H query heads, Hk key/value heads, Sq and Sk query and key positions, D
/// and Dv channels of a head.
struct AttentionTensors {
  TensorView query;                      ///< [B, H, Sq, D], f32, bf16 or f16
  TensorView key;                        ///< [B, Hk, Sk, D], type of query
  TensorView value;                      ///< [B, Hk, Sk, Dv], type of query
  std::optional<TensorView> mask;        ///< bool; each dimension that of [B, H, Sq, Sk] or 1
  std::optional<TensorView> bias;        ///< f32; each dimension that of [B, H, Sq, Sk] or 1
  std::optional<TensorView> kv_lengths;  ///< [B], i32 or i64; need not be aligned
};

/// The rest of the request; meanings as in AttentionArgs.
struct AttentionOptions {
  std::optional<double> scale;
  bool causal = false;
  std::optional<int64_t> window;
  std::optional<double> softcap;
  bool want_weights = false;
  bool want_lse = false;
};

/// What one request may cost.
struct AttentionLimits {
  int64_t max_output_bytes = int64_t{1} << 30;  ///< of all outputs together
  /// Floating point operations, 2 * B * H * Sq * Sk * (D + Dv): about a minute of a few cores.
  double max_flop = 1e13;
};

/// A request that is fit to run. Movable; `args.valid_kv` points into `kv_lengths`.
struct ValidAttention {
  AttentionArgs args;
  std::vector<int64_t> kv_lengths;
  Shape output;        ///< [B, H, Sq, Dv], type args.dtype
  Shape weights;       ///< [B, H, Sq, Sk], f32
  Shape lse;           ///< [B, H, Sq], f32
  int64_t tokens = 0;  ///< B * max(Sq, Sk), the batching cost

  ValidAttention() = default;
  ValidAttention(ValidAttention&&) = default;
  ValidAttention& operator=(ValidAttention&&) = default;

  /// Bytes of the outputs that are wanted.
  int64_t OutputBytes(const AttentionOptions& options) const;
  /// Dense row-major outputs of the shapes above; nullptr: not wanted (`output` always is).
  AttentionOutputs Outputs(void* output_data, float* weights_data, float* lse_data) const;
};

/// Checks everything that AttentionArgs requires and the limits. Reads every byte of mask (a bool
/// other than 0 and 1 must not reach a kernel) and of kv_lengths; no other tensor's elements.
///
/// Threads   any.
/// Errors    kInvalidArgument, a FieldError() of the tensor or option.
absl::StatusOr<ValidAttention> ValidateAttention(const AttentionTensors& tensors,
                                                 const AttentionOptions& options,
                                                 const AttentionLimits& limits);

}  // namespace attentiond
