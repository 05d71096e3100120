#include "core/ops/rotary.h"

#include <algorithm>

#include "core/ops/row_kernels.h"

namespace attentiond {
namespace {

// Elements that take about 10 us: less is not worth another thread.
constexpr int64_t kGrainElements = 32 * 1024;

}  // namespace

void Rotate(const RotateArgs& args, ExecutionContext& context) {
  const auto element = static_cast<int64_t>(ByteSize(args.dtype));
  const int64_t width = args.heads * args.head_dim;
  const int64_t grain = std::max<int64_t>(1, kGrainElements / std::max<int64_t>(1, width));
  context.threads().ParallelFor(args.tokens, grain, [&](int64_t begin, int64_t end, int) {
    for (int64_t token = begin; token < end; ++token) {
      char* const x = static_cast<char*>(args.x) + token * args.x_stride * element;
      const float* const rotations = args.rotations + token * args.head_dim;
      for (int64_t head = 0; head < args.heads; ++head) {
        RotateRow(args.dtype, args.head_dim, rotations, x + head * args.head_dim * element);
      }
    }
  });
}

}  // namespace attentiond
