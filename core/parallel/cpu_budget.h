// core/parallel/cpu_budget.h -- how much processor this process may use.
#pragma once

#include <cstdint>
#include <string>

namespace attentiond {

/// The processor time that the container, the cpuset and the affinity mask leave to this process.
struct CpuBudget {
  double quota_cores = 0;  ///< CFS quota / period of the tightest cgroup (v1 or v2); 0: no quota.
  int affinity_cores = 1;  ///< processors in the affinity mask (which a cpuset narrows).
  int threads = 1;         ///< what to start: min(affinity, ceil(quota)), at least 1.
};

/// Reads the budget. `root` replaces "/" in tests ("" for the real system). Never fails: what
/// cannot be read counts as no limit.
CpuBudget ReadCpuBudget(const std::string& root = "");

/// Periods in which the cgroup throttled this process (nr_throttled of cpu.stat); 0 without a
/// quota.
int64_t ReadThrottledPeriods(const std::string& root = "");

}  // namespace attentiond
