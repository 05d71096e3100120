#include "core/parallel/memory_limit.h"

#include <fstream>

#include "core/parallel/cgroup.h"

namespace attentiond {
namespace {

// v1 says "no limit" with a number: the largest multiple of a page. No machine has that much.
constexpr int64_t kMaxBytes = int64_t{1} << 60;

}  // namespace

int64_t ReadMemoryLimit(const std::string& root) {
  int64_t tightest = 0;
  for (const Cgroup& cgroup : Cgroups("memory", root)) {
    const char* const file = cgroup.unified ? "/memory.max" : "/memory.limit_in_bytes";
    int64_t bytes = 0;  // "max" fails to parse, as it should
    std::ifstream(cgroup.directory + file) >> bytes;
    if (bytes <= 0 || bytes > kMaxBytes) continue;
    if (tightest == 0 || bytes < tightest) tightest = bytes;
  }
  return tightest;
}

}  // namespace attentiond
