#include "core/ops/kernel_counts.h"

#include <array>
#include <atomic>

namespace attentiond {
namespace {

constexpr size_t kNumKernels = static_cast<size_t>(Kernel::kCount);

struct KernelLabels {
  const char* op;
  const char* kernel;
};
// In the order of Kernel.
constexpr std::array<KernelLabels, kNumKernels> kLabels = {{
    {"attention", "brgemm_f32"},
    {"attention", "brgemm_bf16"},
    {"attention", "amx_bf16"},
    {"attention", "few_queries"},
    {"attention", "paged"},
    {"attention", "reference"},
    {"linear", "brgemm_f32"},
    {"linear", "brgemm_bf16"},
    {"linear", "amx_bf16"},
    {"linear", "brgemm_int8"},
    {"linear", "amx_int8"},
    {"linear", "reference"},
    {"layer_norm", "simd"},
    {"embedding", "simd"},
}};

std::array<std::atomic<uint64_t>, kNumKernels> counts{};

}  // namespace

const char* KernelName(Kernel kernel) { return kLabels[static_cast<size_t>(kernel)].kernel; }

void CountKernel(Kernel kernel) {
  counts[static_cast<size_t>(kernel)].fetch_add(1, std::memory_order_relaxed);
}

std::vector<KernelRuns> CountedKernels() {
  std::vector<KernelRuns> runs;
  for (size_t i = 0; i < kNumKernels; ++i) {
    runs.push_back({kLabels[i].op, kLabels[i].kernel, counts[i].load(std::memory_order_relaxed)});
  }
  return runs;
}

}  // namespace attentiond
