// core/ops/kernel_counts.h -- how often each kernel ran, so that what was chosen can be seen.
#pragma once

#include <cstdint>
#include <vector>

namespace attentiond {

/// Every kernel of every op.
enum class Kernel : uint8_t {
  kAttentionMicroKernelF32,
  kAttentionMicroKernelBF16,
  kAttentionMatrixUnitBF16,
  kAttentionFewQueries,
  kAttentionPaged,
  kAttentionReference,
  kLinearMicroKernelF32,
  kLinearMicroKernelBF16,
  kLinearMatrixUnitBF16,
  kLinearMicroKernelInt8,
  kLinearMatrixUnitInt8,
  kLinearReference,
  kLayerNorm,
  kEmbedding,
  kCount
};

/// Its name, without the op: "brgemm_bf16", "reference".
const char* KernelName(Kernel kernel);

/// Counts one run. Threads: any.
void CountKernel(Kernel kernel);

/// The runs of one kernel since the process began.
struct KernelRuns {
  const char* op = "";      ///< "attention", "linear", "layer_norm", "embedding"
  const char* kernel = "";  ///< KernelName()
  uint64_t count = 0;
};

/// All kernels, those that never ran too. Threads: any.
std::vector<KernelRuns> CountedKernels();

}  // namespace attentiond
