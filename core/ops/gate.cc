#include "core/ops/gate.h"

#include <algorithm>

#include "core/ops/row_kernels.h"

namespace attentiond {
namespace {

// Elements that take about 10 us: less is not worth another thread.
constexpr int64_t kGrainElements = 32 * 1024;

}  // namespace

void Gate(const GateArgs& args, ExecutionContext& context) {
  const int64_t row_bytes = args.stride * static_cast<int64_t>(ByteSize(args.dtype));
  const int64_t grain = std::max<int64_t>(1, kGrainElements / std::max<int64_t>(1, args.width));
  context.threads().ParallelFor(args.rows, grain, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      MultiplyRow(static_cast<const char*>(args.gate) + r * row_bytes, args.dtype, args.width,
                  static_cast<char*>(args.x) + r * row_bytes);
    }
  });
}

}  // namespace attentiond
