#include "core/ops/attention.h"

#include "core/base/status_macros.h"
#include "core/ops/attention_validation.h"
#include "core/ops/kernel_counts.h"
#include "core/reference/attention.h"

namespace attentiond {
namespace {

void RunReference(const AttentionArgs& args, const AttentionOutputs& outputs,
                  ExecutionContext& context) {
  CountKernel(Kernel::kAttentionReference);
  const int64_t num_tasks = args.batch * args.num_heads;
  context.threads().ParallelFor(num_tasks, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t b = task / args.num_heads;
      reference::AttentionRows(args, outputs, b, task % args.num_heads, 0,
                               args.query_lengths.length(b));
    }
  });
}

}  // namespace

absl::Status Attention(const AttentionArgs& args, const AttentionOutputs& outputs,
                       ExecutionContext& context) {
  RETURN_IF_ERROR(ValidateAttention(args, outputs));
  RunReference(args, outputs, context);
  return absl::OkStatus();
}

const char* AttentionKernelName(const AttentionArgs&) {
  return KernelName(Kernel::kAttentionReference);
}

}  // namespace attentiond
