// core/ops/prefetch.h -- memory that is soon to be written. Private to core/ops.
#pragma once

#include <cstdint>

namespace attentiond {

/// Asks for `bytes` from `to` on, for writing: a store to a line that another core, or only the
/// third-level cache, has keeps its place in the store buffer until the line is here, and those
/// behind it wait. Reads nothing; processors without the instruction ignore it.
inline void PrefetchForWriting(const void* to, int64_t bytes) {
  constexpr int64_t kLine = 64;
  const char* const first = static_cast<const char*>(to);
  for (int64_t i = 0; i < bytes; i += kLine) asm volatile("prefetchw %0" : : "m"(first[i]));
}

}  // namespace attentiond
