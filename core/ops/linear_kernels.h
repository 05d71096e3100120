// core/ops/linear_kernels.h -- a linear layer's loops around the kernels that multiply. Private to
// core/ops.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "core/ops/execution_context.h"
#include "core/ops/int8_kernels.h"
#include "core/ops/packed_matrix.h"
#include "core/ops/row_kernels.h"

namespace attentiond {

/// y = activation(x W^T + bias) (+ residual).
struct LinearProblem {
  const PackedMatrix* weight = nullptr;
  /// [rows, weight->depth()], zeros past the layer's inputs; of kI8: as QuantizeRows() makes them
  const void* x = nullptr;
  int64_t x_stride = 0;  ///< elements
  int64_t rows = 0;
  int64_t first_panel = 0, num_panels = 0;  ///< of the weight; y is of them alone
  const float* row_scales = nullptr;        ///< of kI8: [rows]
  TileResult result;  ///< of all rows and columns; its tile and its numbers are not used

  /// What becomes of the rows from `row` and the columns from `column`, of which there are as many
  /// as are left up to the limits.
  TileResult ResultAt(int64_t row, int64_t max_rows, int64_t column, int64_t max_columns) const;
  Int8Sums Int8ResultAt(int64_t row, int64_t max_rows, int64_t column, int64_t max_columns) const;
};

class Int8TileMultiplier;
class TileMultiplier;

/// Panels [panel, panel + num_panels) of a problem of bf16 for `max_rows` rows, or what is left,
/// from `row`, by the matrix unit on the calling thread; the last results may stay pending until
/// the multiplier is flushed. `next` is the panel that will be multiplied after these, by default
/// the one that follows.
void MultiplyPanels(const LinearProblem& problem, int64_t row, int64_t max_rows, int64_t panel,
                    int64_t num_panels, TileMultiplier* multiplier, const void* next = nullptr);
/// The same of kI8; `row` begins a block.
void MultiplyInt8Panels(const LinearProblem& problem, int64_t row, int64_t max_rows, int64_t panel,
                        int64_t num_panels, Int8TileMultiplier* multiplier);

/// By the matrix unit; the weight was packed for it (PackedMatrix::for_matrix_unit()).
void RunLinearOnMatrixUnit(const LinearProblem& problem, ExecutionContext& context);

/// By oneDNN's micro-kernels. Errors: those of making a kernel.
absl::Status RunLinearOnMicroKernels(const LinearProblem& problem, ExecutionContext& context);

}  // namespace attentiond
