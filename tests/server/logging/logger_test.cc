#include "server/logging/logger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace attentiond {
namespace {

/// What `write` logs, by lines.
template <typename Write>
std::vector<std::string> Lines(const Logger::Options& options, Write write) {
  std::ostringstream out;
  {
    Logger logger(options, &out);
    write(logger);
  }
  return absl::StrSplit(out.str(), '\n', absl::SkipEmpty());
}

TEST(LoggerTest, TextLineHasUtcTimeAndLevel) {
  const auto lines = Lines({}, [](Logger& logger) { logger.Warning("careful", {{"count", 2}}); });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], testing::ContainsRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:"
                                               "[0-9]{2}\\.[0-9]{3}Z warning careful count=2$"));
}

TEST(LoggerTest, JsonLineIsOneObject) {
  const auto lines = Lines({.format = LogFormat::kJson}, [](Logger& logger) {
    logger.Error("broken \"thing\"\n", {{"request_id", "a\nb"}});
  });
  ASSERT_EQ(lines.size(), 1u);
  const auto line = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(line["level"], "error");
  EXPECT_EQ(line["message"], "broken \"thing\"\n");
  EXPECT_EQ(line["request_id"], "a\nb");
  EXPECT_EQ(line["time"].get<std::string>().size(), std::string("2025-01-31T12:00:00.000Z").size());
}

TEST(LoggerTest, KeepsToItsLevel) {
  const auto log_all = [](Logger& logger) {
    logger.Debug("debug");
    logger.Info("info");
    logger.Warning("warning");
    logger.Error("error");
  };
  EXPECT_EQ(Lines({.level = LogLevel::kDebug}, log_all).size(), 4u);
  EXPECT_EQ(Lines({.level = LogLevel::kInfo}, log_all).size(), 3u);
  EXPECT_EQ(Lines({.level = LogLevel::kError}, log_all).size(), 1u);
}

TEST(LoggerTest, FieldsMayContainPatternAndFormatCharacters) {
  const auto lines = Lines({}, [](Logger& logger) { logger.Info("%v {} %Y", {{"a", "{0}%l"}}); });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0], testing::EndsWith(" info %v {} %Y a={0}%l"));
}

TEST(LoggerTest, LinesOfConcurrentWritersStayWhole) {
  const auto lines = Lines({}, [](Logger& logger) {
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 4; ++writer) {
      writers.emplace_back([&logger] {
        for (int line = 0; line < 100; ++line) logger.Info("whole", {{"line", line}});
      });
    }
    for (std::thread& writer : writers) writer.join();
  });
  EXPECT_EQ(lines.size(), 400u);
  EXPECT_THAT(lines, testing::Each(testing::HasSubstr(" info whole line=")));
}

TEST(LoggerTest, FlushWaitsUntilLinesAreWritten) {
  std::ostringstream out;
  Logger logger({}, &out);
  for (int line = 1; line <= 3; ++line) {
    logger.Info("line", {{"number", line}});
    logger.Flush();
    EXPECT_THAT(out.str(), testing::EndsWith(absl::StrCat(" number=", line, "\n")));
  }
}

/// A stream whose reader is stuck until it is released.
class StuckBuffer : public std::stringbuf {
 public:
  void Release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    condition_.notify_all();
  }

 protected:
  std::streamsize xsputn(const char* data, std::streamsize size) override {
    std::unique_lock lock(mutex_);
    condition_.wait(lock, [this] { return released_; });
    return std::stringbuf::xsputn(data, size);
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool released_ = false;
};

TEST(LoggerTest, DropsTheOldestLinesRatherThanWait) {
  StuckBuffer buffer;
  std::ostream out(&buffer);
  int64_t dropped = 0;
  {
    Logger logger({}, &out);
    for (int line = 0; line < 10'000; ++line) logger.Info("line", {{"number", line}});
    dropped = logger.dropped_lines();
    buffer.Release();
  }
  EXPECT_GT(dropped, 0);
  EXPECT_THAT(buffer.str(), testing::HasSubstr("number=9999\n"));
  const std::vector<std::string> lines = absl::StrSplit(buffer.str(), '\n', absl::SkipEmpty());
  EXPECT_EQ(static_cast<int64_t>(lines.size()) + dropped, 10'000);
}

}  // namespace
}  // namespace attentiond
