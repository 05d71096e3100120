#include "core/parallel/cpu_budget.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "core/parallel/cgroup.h"

namespace attentiond {
namespace {

// Far above any machine; a quota beyond it is no limit, and its ceiling fits an int.
constexpr double kMaxCores = 1 << 20;

// Cores that the cgroup allows; 0: no limit, or none that can be read.
double QuotaCores(const Cgroup& cgroup) {
  double quota = 0, period = 0;
  if (cgroup.unified) {
    // "max 100000" fails to parse, as it should.
    std::ifstream(cgroup.directory + "/cpu.max") >> quota >> period;
  } else {
    std::ifstream(cgroup.directory + "/cpu.cfs_quota_us") >> quota;  // -1: no limit
    std::ifstream(cgroup.directory + "/cpu.cfs_period_us") >> period;
  }
  if (!(quota > 0) || !(period > 0) || quota / period > kMaxCores) return 0;
  return quota / period;
}

int AffinityCores() {
  // The kernel refuses a set smaller than its own; 2^20 processors are beyond any.
  for (int processors = 1024; processors <= kMaxCores; processors *= 2) {
    cpu_set_t* const set = CPU_ALLOC(processors);
    if (set == nullptr) break;
    const size_t size = CPU_ALLOC_SIZE(processors);
    const int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
  return 1;
}

}  // namespace

CpuBudget ReadCpuBudget(const std::string& root) {
  CpuBudget budget;
  for (const Cgroup& cgroup : Cgroups("cpu", root)) {
    const double cores = QuotaCores(cgroup);
    if (cores > 0 && (budget.quota_cores == 0 || cores < budget.quota_cores)) {
      budget.quota_cores = cores;
    }
  }
  budget.affinity_cores = AffinityCores();
  budget.threads = budget.affinity_cores;
  if (budget.quota_cores > 0) {
    budget.threads = std::min(budget.threads, static_cast<int>(std::ceil(budget.quota_cores)));
  }
  return budget;
}

int64_t ReadThrottledPeriods(const std::string& root) {
  int64_t throttled = 0;
  for (const Cgroup& cgroup : Cgroups("cpu", root)) {
    std::ifstream stat(cgroup.directory + "/cpu.stat");
    std::string key;
    int64_t value = 0;
    while (stat >> key >> value) {
      // Ancestors throttle too; the one that does so most is the limit in force.
      if (key == "nr_throttled") throttled = std::max(throttled, value);
    }
  }
  return throttled;
}

}  // namespace attentiond
