#include "core/parallel/memory_limit.h"

#include <gtest/gtest.h>

#include "tests/testing/fake_root.h"

namespace attentiond {
namespace {

TEST(MemoryLimitTest, TheTightestOfTheUnifiedHierarchyHolds) {
  testing::FakeRoot root;
  root.Write("/proc/self/cgroup", "0::/pod/app\n");
  root.Write("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  EXPECT_EQ(ReadMemoryLimit(root.path()), 0);
  root.Write("/sys/fs/cgroup/pod/app/memory.max", "max\n");
  EXPECT_EQ(ReadMemoryLimit(root.path()), 0);
  root.Write("/sys/fs/cgroup/pod/memory.max", "2147483648\n");
  EXPECT_EQ(ReadMemoryLimit(root.path()), int64_t{2} << 30);
  root.Write("/sys/fs/cgroup/pod/app/memory.max", "1073741824\n");
  EXPECT_EQ(ReadMemoryLimit(root.path()), int64_t{1} << 30);
}

TEST(MemoryLimitTest, VersionOneSaysNoLimitWithANumber) {
  testing::FakeRoot root;
  root.Write("/proc/self/cgroup", "4:cpu,cpuacct:/elsewhere\n7:memory:/app\n");
  root.Write("/proc/self/mountinfo",
             "31 23 0:27 / /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu,cpuacct\n"
             "32 23 0:28 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  root.Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(ReadMemoryLimit(root.path()), 0);
  root.Write("/sys/fs/cgroup/memory/app/memory.limit_in_bytes", "536870912\n");
  EXPECT_EQ(ReadMemoryLimit(root.path()), int64_t{512} << 20);
}

}  // namespace
}  // namespace attentiond
