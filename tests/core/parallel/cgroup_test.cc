#include "core/parallel/cgroup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/fake_root.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Directories(const testing::FakeRoot& root) {
  std::vector<std::string> directories;
  for (const Cgroup& cgroup : Cgroups("cpu", root.path())) {
    directories.push_back((cgroup.unified ? "v2 " : "v1 ") +
                          cgroup.directory.substr(root.path().size()));
  }
  return directories;
}

TEST(CgroupTest, UnifiedHierarchyIsWalkedUpToItsMount) {
  testing::FakeRoot root;
  root.Write("/proc/self/cgroup", "0::/system.slice/attentiond.service\n");
  root.Write("/proc/self/mountinfo",
             "24 1 0:22 / /proc rw - proc proc rw\n"
             "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
  EXPECT_THAT(Directories(root),
              ElementsAre("v2 /sys/fs/cgroup/system.slice/attentiond.service",
                          "v2 /sys/fs/cgroup/system.slice", "v2 /sys/fs/cgroup"));
}

TEST(CgroupTest, ContainerSeesItsOwnCgroupAsTheTop) {
  testing::FakeRoot root;
  root.Write("/proc/self/cgroup", "4:cpu,cpuacct:/docker/abc/inner\n");
  root.Write("/proc/self/mountinfo",
             "31 23 0:27 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
             "32 23 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  EXPECT_THAT(Directories(root),
              ElementsAre("v1 /sys/fs/cgroup/cpu,cpuacct/inner", "v1 /sys/fs/cgroup/cpu,cpuacct"));
}

TEST(CgroupTest, PathOutsideTheMountFallsBackToTheMount) {
  testing::FakeRoot root;
  root.Write("/proc/self/cgroup", "0::/../../elsewhere\n4:cpu:/docker/abcdef\n");
  root.Write("/proc/self/mountinfo",
             "30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
             "31 23 0:27 /docker/abc /sys/fs/cgroup/cpu ro - cgroup cgroup rw,cpu\n");
  EXPECT_THAT(Directories(root), ElementsAre("v2 /sys/fs/cgroup/unified", "v1 /sys/fs/cgroup/cpu"));
}

TEST(CgroupTest, OtherControllersAreNotTheCpuController) {
  testing::FakeRoot root;
  root.Write("/proc/self/cgroup", "3:cpuset:/a\n2:cpuacct:/b\n");
  root.Write("/proc/self/mountinfo",
             "35 31 0:32 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
             "36 31 0:33 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n");
  EXPECT_THAT(Directories(root), IsEmpty());
}

TEST(CgroupTest, UnreadableOrBrokenFilesCountAsNone) {
  testing::FakeRoot root;
  EXPECT_THAT(Directories(root), IsEmpty());
  root.Write("/proc/self/cgroup", "no colons\n::\n0:\n");
  root.Write("/proc/self/mountinfo", "30 23 - cgroup2\n - \n30 23 0:26 / - cgroup2 cgroup2 rw\n");
  EXPECT_THAT(Directories(root), IsEmpty());
}

}  // namespace
}  // namespace attentiond
