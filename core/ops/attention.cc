#include "core/ops/attention.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/onednn/context.h"
#include "core/ops/attention_tiles.h"
#include "core/ops/attention_validation.h"
#include "core/ops/kernel_counts.h"
#include "core/ops/workspace.h"
#include "core/reference/attention.h"

namespace attentiond {
namespace {

// Multiply-adds up to which the plain loops are faster than setting up tiles.
constexpr int64_t kTinyMultiplyAdds = 2048;
// Multiply-adds that take about 20 us: less is not worth another thread.
constexpr double kGrainMultiplyAdds = 1 << 20;

bool IsTiny(const AttentionArgs& args) {
  int64_t pairs = 0;
  for (int64_t b = 0; b < args.batch; ++b) {
    pairs += args.query_lengths.length(b) * args.kv_lengths.length(b);
    if (pairs > kTinyMultiplyAdds) return false;
  }
  return pairs * args.num_heads * (args.head_dim + args.value_dim) <= kTinyMultiplyAdds;
}

Kernel KernelFor(const AttentionArgs& args) {
  if (IsTiny(args) || !AttentionTiles::Supports(args)) return Kernel::kAttentionReference;
  return AttentionTiles::ComputeType(args) == DType::kBF16 ? Kernel::kAttentionMicroKernelBF16
                                                           : Kernel::kAttentionMicroKernelF32;
}

absl::Status RunReference(const AttentionArgs& args, const AttentionOutputs& outputs,
                          ExecutionContext& context) {
  CountKernel(Kernel::kAttentionReference);
  // It holds a row of scores in double for each thread.
  constexpr int64_t kMaxKeys = AttentionTiles::kMaxScratchBytes / int64_t{sizeof(double)};
  for (int64_t b = 0; b < args.batch; ++b) {
    if (args.kv_lengths.length(b) > kMaxKeys) {
      return absl::ResourceExhaustedError(absl::StrCat("attention: a sequence has ",
                                                       args.kv_lengths.length(b), " keys; at most ",
                                                       kMaxKeys, " are supported"));
    }
  }
  const int64_t num_tasks = args.batch * args.num_heads;
  context.threads().ParallelFor(num_tasks, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t b = task / args.num_heads;
      reference::AttentionRows(args, outputs, b, task % args.num_heads, 0,
                               args.query_lengths.length(b));
    }
  });
  return absl::OkStatus();
}

absl::Status RunTiles(const AttentionArgs& args, const AttentionOutputs& outputs,
                      ExecutionContext& context) {
  CountKernel(KernelFor(args));
  const int num_threads = context.threads().num_threads();
  ASSIGN_OR_RETURN(const AttentionTiles tiles,
                   AttentionTiles::Create(args, outputs, context.onednn().kernels(), num_threads));
  char* const scratch = static_cast<char*>(
      context.workspace().Get(Workspace::Slot::kAttentionScratch,
                              static_cast<size_t>(tiles.scratch_bytes() * num_threads)));
  const double ranges = std::max(1.0, tiles.multiply_adds() / kGrainMultiplyAdds);
  const auto grain =
      static_cast<int64_t>(std::ceil(static_cast<double>(tiles.num_tasks()) / ranges));
  context.threads().ParallelFor(tiles.num_tasks(), std::max<int64_t>(1, grain),
                                [&](int64_t begin, int64_t end, int thread) {
                                  tiles.Run(begin, end, scratch + thread * tiles.scratch_bytes());
                                });
  return absl::OkStatus();
}

}  // namespace

absl::Status Attention(const AttentionArgs& args, const AttentionOutputs& outputs,
                       ExecutionContext& context) {
  RETURN_IF_ERROR(ValidateAttention(args, outputs));
  return KernelFor(args) == Kernel::kAttentionReference ? RunReference(args, outputs, context)
                                                        : RunTiles(args, outputs, context);
}

const char* AttentionKernelName(const AttentionArgs& args) { return KernelName(KernelFor(args)); }

}  // namespace attentiond
