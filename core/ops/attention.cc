#include "core/ops/attention.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/onednn/context.h"
#include "core/ops/attention_few_queries.h"
#include "core/ops/attention_pipeline.h"
#include "core/ops/attention_pipeline_worker.h"
#include "core/ops/attention_plan.h"
#include "core/ops/attention_rows.h"
#include "core/ops/attention_tiles.h"
#include "core/ops/attention_validation.h"
#include "core/ops/kernel_counts.h"
#include "core/ops/workspace.h"
#include "core/reference/attention.h"

namespace attentiond {
namespace {

Kernel TilesKernel(const AttentionArgs& args) {
  if (AttentionPipeline::Supports(args)) return Kernel::kAttentionMatrixUnitBF16;
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

// The parts of one call.
struct Kernels {
  AttentionPlan plan;
  AttentionFewQueries few;
  char* few_scratch = nullptr;  // of all threads
  char* partials = nullptr;
};

// Runs all tasks; those of more than a few rows on Workers, one for each run of tasks, made from
// `tiles` and a thread's part of `scratch`.
template <typename Worker, typename Tiles>
void RunTasks(const Kernels& kernels, const Tiles& tiles, char* scratch, ThreadPool& threads) {
  threads.ParallelFor(kernels.plan.num_units(), 1, [&](int64_t begin, int64_t end, int thread) {
    Worker worker(tiles, scratch + thread * tiles.scratch_bytes());
    char* const few_scratch = kernels.few_scratch + thread * kernels.few.scratch_bytes();
    kernels.plan.ForEachTask(begin, end, [&](const AttentionTask& task) {
      if (task.few) {
        kernels.few.Run(task, few_scratch, kernels.partials);
      } else {
        worker.Run(task);
      }
    });
  });
}

absl::Status RunKernels(const AttentionRows& rows, ExecutionContext& context) {
  const int num_threads = context.threads().num_threads();
  Kernels kernels = {
      .plan = AttentionPlan(rows, AttentionTiles::ComputeType(rows.args()), num_threads),
      .few = AttentionFewQueries(rows)};
  const AttentionPlan& plan = kernels.plan;
  const auto get = [&](Workspace::Slot slot, int64_t bytes) {
    return static_cast<char*>(context.workspace().Get(slot, static_cast<size_t>(bytes)));
  };
  kernels.few_scratch =
      get(Workspace::Slot::kAttentionFewQueries, kernels.few.scratch_bytes() * num_threads);
  kernels.partials =
      get(Workspace::Slot::kAttentionPartials, kernels.few.partial_bytes() * plan.num_partials());
  if (plan.has_few()) CountKernel(Kernel::kAttentionFewQueries);
  if (plan.has_tiles()) CountKernel(TilesKernel(rows.args()));
  const auto run = [&]<typename Worker>(const auto& tiles) {
    char* const scratch =
        get(Workspace::Slot::kAttentionScratch, tiles.scratch_bytes() * num_threads);
    RunTasks<Worker>(kernels, tiles, scratch, context.threads());
  };
  if (plan.has_tiles() && AttentionPipeline::Supports(rows.args())) {
    AttentionPipeline pipeline(rows);
    RETURN_IF_ERROR(pipeline.Prepare());
    run.template operator()<AttentionPipeline::Worker>(pipeline);
  } else {
    AttentionTiles tiles(rows);
    if (plan.has_tiles()) RETURN_IF_ERROR(tiles.Prepare(context.onednn().kernels()));
    run.template operator()<AttentionTiles::Worker>(tiles);
  }
  plan.ForEachDividedHead([&](const AttentionTask& first) {
    kernels.few.Merge(first, kernels.partials, kernels.few_scratch);
  });
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
  const AttentionPlan plan(AttentionRows(args, AttentionOutputs()),
                           AttentionTiles::ComputeType(args), 1);
  return KernelName(plan.has_tiles() ? TilesKernel(args) : Kernel::kAttentionFewQueries);
}

}  // namespace attentiond
