// core/ops/int8_rows.h -- the input of a linear layer as 8-bit integers. Private to core/ops.
#pragma once

#include <cstdint>

#include "core/ops/execution_context.h"
#include "core/tensor/dtype.h"

namespace attentiond {

/// QuantizeRow() of each row, in the context's memory.
struct Int8Rows {
  /// For the matrix unit, [rows / 32][depth / 64][32][64]: it then reads memory in order, which
  /// takes a fifth less time than rows far from each other. Else [rows][depth].
  const uint8_t* values = nullptr;
  const float* scales = nullptr;  ///< [rows]
};

struct Int8RowsArgs {
  static constexpr int64_t kBlockRows = 32;

  const void* x = nullptr;    ///< [rows, width] at x_stride (elements)
  DType dtype = DType::kF32;  ///< kF32 or kBF16
  int64_t x_stride = 0, rows = 0, width = 0;
  int64_t depth = 0;  ///< `width` up to a multiple of kInt8Piece
  bool for_matrix_unit = false;
};
Int8Rows QuantizeRows(const Int8RowsArgs& args, ExecutionContext& context);

/// The blocks [begin, end) of these rows alone, on the calling thread: `values` and `scales` of all
/// of them as Int8Rows has them, `values` of whole blocks.
void QuantizeBlocks(const Int8RowsArgs& args, int64_t begin, int64_t end, uint8_t* values,
                    float* scales);

}  // namespace attentiond
