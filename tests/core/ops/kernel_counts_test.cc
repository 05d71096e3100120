#include "core/ops/kernel_counts.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>

namespace attentiond {
namespace {

uint64_t CountOf(const std::string& op, const std::string& kernel) {
  for (const KernelRuns& runs : CountedKernels()) {
    if (runs.op == op && runs.kernel == kernel) return runs.count;
  }
  ADD_FAILURE() << op << "/" << kernel << " is not listed";
  return 0;
}

TEST(KernelCountsTest, EveryKernelHasALabelOfItsOwn) {
  std::set<std::pair<std::string, std::string>> labels;
  for (const KernelRuns& runs : CountedKernels()) labels.insert({runs.op, runs.kernel});
  EXPECT_EQ(labels.size(), static_cast<size_t>(Kernel::kCount));
  EXPECT_STREQ(KernelName(Kernel::kAttentionMicroKernelBF16), "brgemm_bf16");
}

TEST(KernelCountsTest, CountsFromSeveralThreads) {
  const uint64_t before = CountOf("linear", "brgemm_f32");
  const auto count = [] {
    for (int i = 0; i < 1000; ++i) CountKernel(Kernel::kLinearMicroKernelF32);
  };
  std::thread other(count);
  count();
  other.join();
  EXPECT_EQ(CountOf("linear", "brgemm_f32"), before + 2000);
}

}  // namespace
}  // namespace attentiond
