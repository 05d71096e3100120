#include "server/metrics/process_stats.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>
#include <optional>
#include <string>

#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

/// ReadProcessStats of a /proc with the given self/stat and stat.
std::optional<ProcessStats> ReadFake(const std::string& self_stat, const std::string& stat) {
  const testing::TemporaryDirectory proc;
  proc.Write("self/stat", self_stat);
  proc.Write("stat", stat);
  return ReadProcessStats(proc.path());
}

// Fields 14, 15, 20, 22, 23 and 24 of proc(5) are 300, 100, 9, 5000, 8192 and 3.
constexpr char kFieldsAfterCommand[] =
    " S 1 1 1 0 -1 4194560 10 0 0 0 300 100 0 0 20 0 9 0 5000 8192 3 18446744073709551615 1 1\n";

TEST(ProcessStatsTest, ReadsThisProcess) {
  const auto stats = ReadProcessStats();
  ASSERT_TRUE(stats.has_value());
  EXPECT_GE(stats->cpu_seconds, 0);
  EXPECT_GT(stats->resident_bytes, 1 << 20);
  EXPECT_GT(stats->virtual_bytes, stats->resident_bytes);
  EXPECT_GE(stats->threads, 1);
  EXPECT_GE(stats->open_fds, 3);
  EXPECT_NE(stats->max_fds, 0);
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_LE(stats->start_time_seconds, now + 1);
  EXPECT_GT(stats->start_time_seconds, now - 3600);
}

TEST(ProcessStatsTest, FindsTheFieldsBehindAnyCommandName) {
  for (const std::string command : {"(attentiond)", "(a) b (c)", "(a S 1 2)"}) {
    const auto stats = ReadFake("42 " + command + kFieldsAfterCommand, "cpu 1\nbtime 1000\n");
    ASSERT_TRUE(stats.has_value()) << command;
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    EXPECT_DOUBLE_EQ(stats->cpu_seconds, 400 / ticks);
    EXPECT_DOUBLE_EQ(stats->start_time_seconds, 1000 + 5000 / ticks);
    EXPECT_EQ(stats->threads, 9);
    EXPECT_EQ(stats->virtual_bytes, 8192);
    EXPECT_EQ(stats->resident_bytes, 3 * sysconf(_SC_PAGESIZE));
  }
}

TEST(ProcessStatsTest, RefusesWhatIsNotProc) {
  EXPECT_FALSE(ReadProcessStats("/nonexistent").has_value());
  const std::string boot = "btime 1000\n";
  EXPECT_FALSE(ReadFake("", boot).has_value());
  EXPECT_FALSE(ReadFake("42 (a) S 1 2\n", boot).has_value());
  EXPECT_FALSE(
      ReadFake("42 (a) S x x x x x x x x x x x x x x x x x x x x x x\n", boot).has_value());
  const std::string good = std::string("42 (a)") + kFieldsAfterCommand;
  EXPECT_FALSE(ReadFake(good, "cpu 1\n").has_value());
  EXPECT_TRUE(ReadFake(good, boot).has_value());
}

}  // namespace
}  // namespace attentiond
