// server/metrics/process_stats.h -- what the kernel says of this process, for the process_*
// metrics.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace attentiond {

struct ProcessStats {
  double cpu_seconds = 0;         ///< user and system time since the start
  double start_time_seconds = 0;  ///< Unix time
  int64_t resident_bytes = 0;
  int64_t virtual_bytes = 0;
  int64_t threads = 0;
  int64_t open_fds = 0;
  int64_t max_fds = 0;  ///< soft limit; -1: none
};

/// Reads /proc/self; `proc` replaces "/proc" in tests. nullopt when there is no such file system or
/// it does not read as proc(5) says. Threads: any.
std::optional<ProcessStats> ReadProcessStats(const std::string& proc = "/proc");

}  // namespace attentiond
