#include "core/ops/int8_rows.h"

#include <algorithm>
#include <cstring>

#include "core/ops/int8_kernels.h"
#include "core/ops/workspace.h"

namespace attentiond {
namespace {

// Elements that take about 10 us: less is not worth another thread.
constexpr int64_t kGrainElements = 128 * 1024;

}  // namespace

void QuantizeBlocks(const Int8RowsArgs& args, int64_t begin, int64_t end, uint8_t* values,
                    float* scales) {
  constexpr int64_t kBlockRows = Int8RowsArgs::kBlockRows;
  const int64_t x_row_bytes = args.x_stride * static_cast<int64_t>(ByteSize(args.dtype));
  const int64_t row_stride = args.for_matrix_unit ? kInt8Piece : args.depth;
  const int64_t piece_stride = args.for_matrix_unit ? kBlockRows * kInt8Piece : kInt8Piece;
  for (int64_t r = begin * kBlockRows; r < std::min(args.rows, end * kBlockRows); ++r) {
    uint8_t* const block = values + r / kBlockRows * kBlockRows * args.depth;
    scales[r] = QuantizeRow(static_cast<const char*>(args.x) + r * x_row_bytes, args.dtype,
                            args.width, block + r % kBlockRows * row_stride, piece_stride);
  }
}

Int8Rows QuantizeRows(const Int8RowsArgs& args, ExecutionContext& context) {
  constexpr int64_t kBlockRows = Int8RowsArgs::kBlockRows;
  const int64_t num_blocks = (args.rows + kBlockRows - 1) / kBlockRows;
  const auto value_bytes = static_cast<size_t>(num_blocks * kBlockRows * args.depth);
  auto* const values = static_cast<uint8_t*>(context.workspace().Get(
      Workspace::Slot::kQuantized, value_bytes + static_cast<size_t>(args.rows) * sizeof(float)));
  auto* const scales = reinterpret_cast<float*>(values + value_bytes);
  context.threads().ParallelFor(
      num_blocks, std::max<int64_t>(1, kGrainElements / (kBlockRows * args.depth)),
      [&](int64_t begin, int64_t end, int) { QuantizeBlocks(args, begin, end, values, scales); });
  return {values, scales};
}

}  // namespace attentiond
