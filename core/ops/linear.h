// core/ops/linear.h -- y = activation(x W^T + b) + residual, with weights packed once.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "core/ops/activation.h"
#include "core/ops/execution_context.h"
#include "core/tensor/tensor.h"

namespace attentiond {

class PackedMatrix;
struct LinearProblem;

/// The types of a linear layer: of what goes in and out, and of what is multiplied.
struct LinearTypes {
  /// x, y and the packed weights are all of this type.
  LinearTypes(DType both) : activations(both), weights(both) {}  // NOLINT: the usual case
  LinearTypes(DType activations_type, DType weights_type)
      : activations(activations_type), weights(weights_type) {}

  DType activations;  ///< kF32 or kBF16
  DType weights;      ///< the same; or kI8, then x is quantised too, each row by itself
};

/// A linear layer's weights, packed for this processor. Immutable; may be shared by contexts.
class Linear {
 public:
  /// weight [out, in] and bias [out] (data nullptr: none), f32, f16 or bf16, row-major, as a
  /// checkpoint has them; both are copied. Sums of floats are f32, those of integers exact.
  ///
  /// Errors    kInvalidArgument: not such types and shapes. kUnimplemented: this processor does not
  ///           multiply bf16, or int8.
  /// Numerics  with weights of kI8 the products are reference::QuantizedLinear()'s.
  static absl::StatusOr<Linear> Create(TensorView weight, TensorView bias, LinearTypes types);

  Linear(Linear&&) noexcept;
  Linear& operator=(Linear&&) noexcept;
  ~Linear();

  int64_t in_features() const;
  int64_t out_features() const;
  int64_t output_step() const;
  LinearTypes types() const;
  size_t packed_bytes() const;

  /// y[rows, out] = activation(x[rows, in] W^T + b) (+ residual[rows, out]).
  /// x, y and residual are of type types().activations, rows contiguous at the strides given (in
  /// elements); y overlaps nothing but may be the residual itself. rows >= 0.
  struct Args {
    const void* x = nullptr;
    int64_t x_stride = 0;
    void* y = nullptr;
    int64_t y_stride = 0;
    int64_t rows = 0;
    Activation activation = Activation::kNone;
    const void* residual = nullptr;  ///< at y_stride; nullptr: none
    bool y_in_f32 = false;           ///< y is f32 whatever the activations; without a residual
    /// Only so many outputs from this one on, a multiple of output_step(); y is of them alone.
    int64_t first_output = 0;
    int64_t num_outputs = 0;  ///< a multiple too, or what is left; 0: all that are left
  };
  absl::Status Run(const Args& args, ExecutionContext& context) const;

  /// core/ops only: the weights, nullptr on a processor without micro-kernels; and what Run()
  /// would multiply, where x needs neither padding nor quantising.
  const PackedMatrix* packed() const;
  LinearProblem Describe(const Args& args) const;

 private:
  struct Impl;
  explicit Linear(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace attentiond
