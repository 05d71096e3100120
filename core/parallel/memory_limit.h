// core/parallel/memory_limit.h -- how much memory the container leaves to this process.
#pragma once

#include <cstdint>
#include <string>

namespace attentiond {

/// The memory limit of the tightest cgroup (v1 or v2) in bytes; 0: none, or none that can be read.
/// `root` replaces "/" in tests ("" for the real system).
int64_t ReadMemoryLimit(const std::string& root = "");

}  // namespace attentiond
