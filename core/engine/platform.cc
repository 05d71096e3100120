// core/engine/platform.cc -- what the ops know of this processor and of themselves, for the
// engine's users.
#include <utility>

#include "core/engine/model.h"
#include "core/ops/kernel_counts.h"
#include "core/ops/processor.h"

namespace attentiond {

Platform DescribePlatform() {
  ProcessorInfo processor = DescribeProcessor();
  return {.isa = std::move(processor.isa),
          .onednn_version = std::move(processor.onednn_version),
          .has_bf16 = processor.has_bf16,
          .has_int8 = processor.has_int8,
          .kernels = std::move(processor.kernels)};
}

std::vector<KernelCount> KernelCounts() {
  std::vector<KernelCount> counts;
  for (const KernelRuns& runs : CountedKernels()) {
    counts.push_back({.op = runs.op, .kernel = runs.kernel, .count = runs.count});
  }
  return counts;
}

}  // namespace attentiond
