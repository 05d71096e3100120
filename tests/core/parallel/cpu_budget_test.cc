#include "core/parallel/cpu_budget.h"

#include <gtest/gtest.h>

#include "tests/testing/fake_root.h"

namespace attentiond {
namespace {

class CpuBudgetTest : public ::testing::Test {
 protected:
  // A process in the cgroup /pod/app of the unified hierarchy.
  void MountUnified() {
    root_.Write("/proc/self/cgroup", "0::/pod/app\n");
    root_.Write("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  }
  // The same with the cpu controller of version 1.
  void MountCpuController() {
    root_.Write("/proc/self/cgroup", "4:cpu,cpuacct:/pod/app\n");
    root_.Write("/proc/self/mountinfo",
                "31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n");
  }

  testing::FakeRoot root_;
};

TEST_F(CpuBudgetTest, NoCgroupMeansNoQuota) {
  const CpuBudget budget = ReadCpuBudget(root_.path());
  EXPECT_EQ(budget.quota_cores, 0);
  EXPECT_GE(budget.affinity_cores, 1);
  EXPECT_EQ(budget.threads, budget.affinity_cores);
}

TEST_F(CpuBudgetTest, UnifiedQuotaOfTheTightestAncestorCounts) {
  MountUnified();
  root_.Write("/sys/fs/cgroup/pod/app/cpu.max", "400000 100000\n");
  root_.Write("/sys/fs/cgroup/pod/cpu.max", "50000 100000\n");
  root_.Write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  const CpuBudget budget = ReadCpuBudget(root_.path());
  EXPECT_DOUBLE_EQ(budget.quota_cores, 0.5);
  EXPECT_EQ(budget.threads, 1);
}

TEST_F(CpuBudgetTest, QuotaIsRoundedUpToThreadsAndAffinityLimitsIt) {
  MountUnified();
  root_.Write("/sys/fs/cgroup/pod/app/cpu.max", "150000 100000\n");
  CpuBudget budget = ReadCpuBudget(root_.path());
  EXPECT_DOUBLE_EQ(budget.quota_cores, 1.5);
  EXPECT_EQ(budget.threads, std::min(2, budget.affinity_cores));

  root_.Write("/sys/fs/cgroup/pod/app/cpu.max", "100000000 1000\n");
  budget = ReadCpuBudget(root_.path());
  EXPECT_DOUBLE_EQ(budget.quota_cores, 100000);
  EXPECT_EQ(budget.threads, budget.affinity_cores);
}

TEST_F(CpuBudgetTest, CpuControllerQuota) {
  MountCpuController();
  root_.Write("/sys/fs/cgroup/cpu/pod/app/cpu.cfs_quota_us", "-1\n");
  root_.Write("/sys/fs/cgroup/cpu/pod/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(ReadCpuBudget(root_.path()).quota_cores, 0);
  root_.Write("/sys/fs/cgroup/cpu/pod/cpu.cfs_quota_us", "75000\n");
  root_.Write("/sys/fs/cgroup/cpu/pod/cpu.cfs_period_us", "50000\n");
  EXPECT_DOUBLE_EQ(ReadCpuBudget(root_.path()).quota_cores, 1.5);
}

TEST_F(CpuBudgetTest, NonsenseIsNoLimit) {
  MountUnified();
  for (const char* content : {"", "max", "100000", "0 100000", "100000 0", "-5 100000", "a b",
                              "1e300 1e-300", "nan nan"}) {
    root_.Write("/sys/fs/cgroup/pod/app/cpu.max", content);
    const CpuBudget budget = ReadCpuBudget(root_.path());
    EXPECT_EQ(budget.quota_cores, 0) << content;
    EXPECT_EQ(budget.threads, budget.affinity_cores) << content;
  }
}

TEST_F(CpuBudgetTest, ThrottledPeriodsOfTheLimitInForce) {
  EXPECT_EQ(ReadThrottledPeriods(root_.path()), 0);
  MountUnified();
  root_.Write("/sys/fs/cgroup/pod/app/cpu.stat",
              "usage_usec 17\nnr_periods 9\nnr_throttled 3\nthrottled_usec 5\n");
  root_.Write("/sys/fs/cgroup/pod/cpu.stat", "nr_periods 9\nnr_throttled 7\n");
  EXPECT_EQ(ReadThrottledPeriods(root_.path()), 7);
}

TEST(CpuBudgetRealTest, ThisMachineHasAtLeastOneThread) {
  const CpuBudget budget = ReadCpuBudget();
  EXPECT_GE(budget.threads, 1);
  EXPECT_LE(budget.threads, budget.affinity_cores);
  EXPECT_GE(ReadThrottledPeriods(), 0);
}

}  // namespace
}  // namespace attentiond
