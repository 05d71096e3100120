#include "core/ops/attention.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/onednn/context.h"
#include "core/ops/attention_columns.h"
#include "core/ops/attention_few_queries.h"
#include "core/ops/attention_plan.h"
#include "core/ops/attention_rows.h"
#include "core/ops/attention_tiles.h"
#include "core/ops/attention_validation.h"
#include "core/ops/kernel_counts.h"
#include "core/ops/workspace.h"
#include "core/reference/attention.h"

namespace attentiond {
namespace {

Kernel BlocksKernel(const AttentionRows& rows) {
  if (AttentionColumns::Supports(rows)) return Kernel::kAttentionMatrixUnitBF16;
  return AttentionTiles::ComputeType(rows.args()) == DType::kBF16
             ? Kernel::kAttentionMicroKernelBF16
             : Kernel::kAttentionMicroKernelF32;
}

absl::Status RunReference(const AttentionArgs& args, const AttentionOutputs& outputs,
                          ExecutionContext& context) {
  CountKernel(Kernel::kAttentionReference);
  // It holds a row of scores in double for each thread.
  constexpr int64_t kMaxKeys = AttentionBlocks::kMaxScratchBytes / int64_t{sizeof(double)};
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

absl::Status RunKernels(const AttentionRows& rows, ExecutionContext& context) {
  const int num_threads = context.threads().num_threads();
  const AttentionPlan plan(rows, AttentionTiles::ComputeType(rows.args()), num_threads);
  const AttentionFewQueries few(rows);
  std::optional<AttentionColumns> columns;
  std::optional<AttentionTiles> tiles;
  AttentionBlocks& blocks = AttentionColumns::Supports(rows)
                                ? static_cast<AttentionBlocks&>(columns.emplace(rows))
                                : tiles.emplace(rows);
  int64_t scratch_bytes = 0;
  if (plan.has_few()) {
    CountKernel(Kernel::kAttentionFewQueries);
    scratch_bytes = few.scratch_bytes();
  }
  if (plan.has_blocks()) {
    CountKernel(BlocksKernel(rows));
    RETURN_IF_ERROR(blocks.Prepare(context.onednn().kernels()));
    scratch_bytes = std::max(scratch_bytes, blocks.scratch_bytes());
  }
  const auto get = [&](Workspace::Slot slot, int64_t bytes) {
    return static_cast<char*>(context.workspace().Get(slot, static_cast<size_t>(bytes)));
  };
  char* const scratch = get(Workspace::Slot::kAttentionScratch, scratch_bytes * num_threads);
  char* const partials =
      get(Workspace::Slot::kAttentionPartials, few.partial_bytes() * plan.num_partials());

  context.threads().ParallelFor(plan.num_units(), 1, [&](int64_t begin, int64_t end, int thread) {
    char* const own = scratch + thread * scratch_bytes;
    AttentionBlocks::Worker worker(blocks, own);
    plan.ForEachTask(begin, end, [&](const AttentionTask& task) {
      if (task.few) {
        few.Run(task, own, partials);
      } else {
        worker.Run(task);
      }
    });
  });
  plan.ForEachDividedHead([&](const AttentionTask& first) { few.Merge(first, partials, scratch); });
  return absl::OkStatus();
}

}  // namespace

absl::Status Attention(const AttentionArgs& args, const AttentionOutputs& outputs,
                       ExecutionContext& context) {
  RETURN_IF_ERROR(ValidateAttention(args, outputs));
  if (!AttentionTiles::Supports(args)) return RunReference(args, outputs, context);
  return RunKernels(AttentionRows(args, outputs), context);
}

const char* AttentionKernelName(const AttentionArgs& args) {
  if (!AttentionTiles::Supports(args)) return KernelName(Kernel::kAttentionReference);
  const AttentionOutputs outputs;
  const AttentionRows rows(args, outputs);
  const AttentionPlan plan(rows, AttentionTiles::ComputeType(args), 1);
  return KernelName(plan.has_blocks() ? BlocksKernel(rows) : Kernel::kAttentionFewQueries);
}

}  // namespace attentiond
