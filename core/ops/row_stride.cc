#include "core/ops/row_stride.h"

#include <cstring>

namespace attentiond {

void CloseGaps(void* rows, int64_t count, int64_t width, DType dtype) {
  const size_t row_bytes = static_cast<size_t>(width) * ByteSize(dtype);
  const size_t stride_bytes = static_cast<size_t>(RowStride(width, dtype)) * ByteSize(dtype);
  if (stride_bytes == row_bytes) return;
  auto* const data = static_cast<char*>(rows);
  for (size_t row = 1; row < static_cast<size_t>(count); ++row) {
    std::memmove(data + row * row_bytes, data + row * stride_bytes, row_bytes);
  }
}

}  // namespace attentiond
