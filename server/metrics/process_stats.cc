#include "server/metrics/process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace attentiond {
namespace {

// Indexes into the fields of /proc/[pid]/stat that follow the command's ")": proc(5) numbers the
// first of them, state, 3.
constexpr size_t kUserTicks = 14 - 3;
constexpr size_t kSystemTicks = 15 - 3;
constexpr size_t kThreads = 20 - 3;
constexpr size_t kStartTicks = 22 - 3;
constexpr size_t kVirtualBytes = 23 - 3;
constexpr size_t kResidentPages = 24 - 3;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Unix time of the boot: the line "btime N" of /proc/stat.
std::optional<int64_t> ReadBootTime(const std::string& proc) {
  const std::string stat = ReadFile(proc + "/stat");
  for (absl::string_view line : absl::StrSplit(stat, '\n')) {
    int64_t seconds = 0;
    if (absl::ConsumePrefix(&line, "btime ") && absl::SimpleAtoi(line, &seconds)) return seconds;
  }
  return std::nullopt;
}

int64_t CountOpenFds(const std::string& proc) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(proc + "/self/fd", error);
  if (error) return 0;
  // One of them is the descriptor that lists them.
  return std::distance(begin(entries), end(entries)) - 1;
}

int64_t MaxFds() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return -1;
  return static_cast<int64_t>(limit.rlim_cur);
}

}  // namespace

std::optional<ProcessStats> ReadProcessStats(const std::string& proc) {
  const std::string stat = ReadFile(proc + "/self/stat");
  // The command may contain spaces and parentheses: the fields start after its last ")".
  const size_t command_end = stat.rfind(") ");
  if (command_end == std::string::npos) return std::nullopt;
  const std::vector<absl::string_view> fields =
      absl::StrSplit(absl::string_view(stat).substr(command_end + 2), ' ');
  if (fields.size() <= kResidentPages) return std::nullopt;

  ProcessStats stats;
  int64_t user = 0, system = 0, start = 0, resident_pages = 0;
  if (!absl::SimpleAtoi(fields[kUserTicks], &user) ||
      !absl::SimpleAtoi(fields[kSystemTicks], &system) ||
      !absl::SimpleAtoi(fields[kStartTicks], &start) ||
      !absl::SimpleAtoi(fields[kThreads], &stats.threads) ||
      !absl::SimpleAtoi(fields[kVirtualBytes], &stats.virtual_bytes) ||
      !absl::SimpleAtoi(fields[kResidentPages], &resident_pages)) {
    return std::nullopt;
  }
  const std::optional<int64_t> boot = ReadBootTime(proc);
  if (!boot.has_value()) return std::nullopt;

  const auto ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  stats.cpu_seconds = static_cast<double>(user + system) / ticks_per_second;
  stats.start_time_seconds =
      static_cast<double>(*boot) + static_cast<double>(start) / ticks_per_second;
  stats.resident_bytes = resident_pages * sysconf(_SC_PAGESIZE);
  stats.open_fds = CountOpenFds(proc);
  stats.max_fds = MaxFds();
  return stats;
}

}  // namespace attentiond
