// core/parallel/cgroup.h -- which control groups limit this process's processor time.
#pragma once

#include <string>
#include <vector>

namespace attentiond {

/// A directory of the cgroup file system whose limits this process is under.
struct CpuCgroup {
  std::string directory;
  bool unified = false;  ///< cgroup v2 (cpu.max), otherwise v1 (cpu.cfs_quota_us).
};

/// The process's own cgroup and its ancestors up to where the hierarchy is mounted, of every
/// hierarchy that has a cpu controller; the own one first. A container sees its own cgroup as the
/// top. `root` replaces "/" ("" for the real system). What cannot be read is left out.
std::vector<CpuCgroup> CpuCgroups(const std::string& root);

}  // namespace attentiond
