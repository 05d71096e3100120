#include "core/ops/layer_norm.h"

#include <algorithm>

#include "core/ops/kernel_counts.h"
#include "core/ops/row_kernels.h"

namespace attentiond {
namespace {

// Elements that take about 10 us: less is not worth another thread.
constexpr int64_t kGrainElements = 32 * 1024;

}  // namespace

void LayerNormRows(const LayerNormArgs& args, int64_t begin, int64_t end) {
  const int64_t row_bytes =
      (args.stride > 0 ? args.stride : args.width) * static_cast<int64_t>(ByteSize(args.dtype));
  for (int64_t r = begin; r < end; ++r) {
    NormalizeRow({static_cast<const char*>(args.x) + r * row_bytes,
                  static_cast<char*>(args.y) + r * row_bytes, args.dtype, args.width, args.gamma,
                  args.beta, args.epsilon, args.subtract_mean});
  }
}

void LayerNorm(const LayerNormArgs& args, ExecutionContext& context) {
  CountKernel(Kernel::kLayerNorm);
  const int64_t grain = std::max<int64_t>(1, kGrainElements / std::max<int64_t>(1, args.width));
  context.threads().ParallelFor(
      args.rows, grain, [&](int64_t begin, int64_t end, int) { LayerNormRows(args, begin, end); });
}

}  // namespace attentiond
