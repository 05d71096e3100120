// core/parallel/cgroup.h -- which control groups limit what this process may use.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace attentiond {

/// A directory of the cgroup file system whose limits this process is under.
struct Cgroup {
  std::string directory;
  bool unified = false;  ///< cgroup v2 (cpu.max, memory.max); otherwise v1, whose files differ
};

/// The process's own cgroup and its ancestors up to where the hierarchy is mounted, of every
/// hierarchy that has `controller` ("cpu", "memory"); the own one first. A container sees its own
/// cgroup as the top. `root` replaces "/" ("" for the real system). What cannot be read is left out.
std::vector<Cgroup> Cgroups(absl::string_view controller, const std::string& root);

}  // namespace attentiond
