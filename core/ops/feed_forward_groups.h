// core/ops/feed_forward_groups.h -- feed-forward layers by groups of rows, what their kernels have
// in common. Private to core/ops.
#pragma once

#include <cstdint>

#include "core/ops/execution_context.h"
#include "core/ops/feed_forward.h"
#include "core/ops/kernel_counts.h"
#include "core/ops/layer_norm.h"
#include "core/ops/linear.h"
#include "core/ops/workspace.h"

namespace attentiond {

/// The layer before, where `input` is set.
inline Linear::Args InputLayerOf(const FeedForwardArgs& args) {
  const FeedForwardInput& input = *args.input;
  return {.x = input.x,
          .x_stride = input.x_stride,
          .y = input.y,
          .y_stride = args.x_stride,
          .rows = args.rows,
          .residual = input.y};
}

/// The normalisation of that one's results.
inline LayerNormArgs InputNormOf(const FeedForwardArgs& args) {
  LayerNormArgs norm = *args.input->norm;
  norm.x = args.input->y;
  norm.y = args.input->normed;
  norm.dtype = args.up->types().activations;
  norm.rows = args.rows;
  norm.width = args.up->in_features();
  norm.stride = args.x_stride;
  return norm;
}

/// The normalisation of all results; `norm` is set.
inline LayerNormArgs NormOf(const FeedForwardArgs& args) {
  LayerNormArgs norm = *args.norm;
  norm.x = norm.y = args.y;
  norm.dtype = args.up->types().activations;
  norm.rows = args.rows;
  norm.width = args.down->out_features();
  norm.stride = args.y_stride;
  return norm;
}

/// Group(args, groups, a thread's scratch).Run(first row) for each group of `groups`, on all
/// threads; `linear` is the kernel that all layers run.
template <typename Group, typename Groups>
void RunFeedForwardGroups(const FeedForwardArgs& args, const Groups& groups, Kernel linear,
                          ExecutionContext& context) {
  for (int layers = args.input != nullptr ? 3 : 2; layers > 0; --layers) CountKernel(linear);
  if (args.input != nullptr) CountKernel(Kernel::kLayerNorm);
  if (args.norm != nullptr) CountKernel(Kernel::kLayerNorm);
  ThreadPool& threads = context.threads();
  auto* const scratch = static_cast<char*>(
      context.workspace().Get(Workspace::Slot::kIntermediate,
                              static_cast<size_t>(threads.num_threads() * groups.scratch_bytes)));
  threads.ParallelFor(groups.count, 1, [&](int64_t begin, int64_t end, int thread) {
    Group group(args, groups, scratch + thread * groups.scratch_bytes);
    for (int64_t index = begin; index < end; ++index) group.Run(index * groups.rows);
  });
}

}  // namespace attentiond
