#include "core/ops/embedding.h"

#include <algorithm>

#include "core/ops/kernel_counts.h"
#include "core/ops/row_kernels.h"

namespace attentiond {
namespace {

// Elements that take about 10 us: less is not worth another thread.
constexpr int64_t kGrainElements = 32 * 1024;
// Channels summed at once; the sums stay in the first-level cache.
constexpr int64_t kChunk = 512;

void EmbedToken(absl::Span<const EmbeddingLookup> lookups, int64_t token, int64_t width,
                DType dtype, char* y) {
  float sum[kChunk];
  for (int64_t begin = 0; begin < width; begin += kChunk) {
    const int64_t size = std::min(kChunk, width - begin);
    std::fill_n(sum, size, 0.0f);
    for (const EmbeddingLookup& lookup : lookups) {
      const int64_t row = lookup.index[static_cast<size_t>(token)];
      const auto element = static_cast<int64_t>(ByteSize(lookup.table.dtype));
      AddRow(static_cast<const char*>(lookup.table.data) + (row * width + begin) * element,
             lookup.table.dtype, lookup.scale, size, sum);
    }
    StoreRow(sum, size, dtype, y + begin * static_cast<int64_t>(ByteSize(dtype)));
  }
}

}  // namespace

void Embed(absl::Span<const EmbeddingLookup> lookups, DType dtype, void* y, int64_t y_stride,
           ExecutionContext& context) {
  if (lookups.empty()) return;
  CountKernel(Kernel::kEmbedding);
  const auto tokens = static_cast<int64_t>(lookups[0].index.size());
  const int64_t width = lookups[0].table.shape.dim(1);
  const int64_t row_bytes = y_stride * static_cast<int64_t>(ByteSize(dtype));
  const int64_t grain = std::max<int64_t>(1, kGrainElements / std::max<int64_t>(1, width));
  context.threads().ParallelFor(tokens, grain, [&](int64_t begin, int64_t end, int) {
    for (int64_t token = begin; token < end; ++token) {
      EmbedToken(lookups, token, width, dtype, static_cast<char*>(y) + token * row_bytes);
    }
  });
}

}  // namespace attentiond
