// core/ops/prefetch.h -- memory that is soon to be written. Private to core/ops.
#pragma once

#include <algorithm>
#include <cstdint>

namespace attentiond {

/// Asks for `bytes` from `to` on, into the second-level cache: a store to a line that another core,
/// or only the third-level cache, has keeps its place in the store buffer until the line is here,
/// and those behind it wait. Asking for the first-level cache would keep one of that one's few
/// buffers waiting instead.
inline void PrefetchForWriting(const void* to, int64_t bytes) {
  constexpr uintptr_t kLine = 64;
  const auto begin = reinterpret_cast<uintptr_t>(to), end = begin + static_cast<uintptr_t>(bytes);
  for (uintptr_t line = begin / kLine * kLine; line < end; line += kLine) {
    __builtin_prefetch(reinterpret_cast<const void*>(line), 0, 2);
  }
}

/// Rows that are soon to be written, asked for a few at a time.
class RowsToWrite {
 public:
  RowsToWrite() = default;
  /// `rows` of `row_bytes`, `stride` bytes apart.
  RowsToWrite(const void* first, int64_t rows, int64_t row_bytes, int64_t stride)
      : next_(static_cast<const char*>(first)),
        rows_(rows),
        row_bytes_(row_bytes),
        stride_(stride) {}

  void Prefetch(int64_t count) {
    count = std::min(count, rows_);
    rows_ -= count;
    for (; count > 0; --count, next_ += stride_) PrefetchForWriting(next_, row_bytes_);
  }

 private:
  const char* next_ = nullptr;
  int64_t rows_ = 0, row_bytes_ = 0, stride_ = 0;
};

}  // namespace attentiond
