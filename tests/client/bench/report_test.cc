#include "client/bench/report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace attentiond::client {
namespace {

LoadResult Result() {
  LoadResult result;
  result.elapsed = absl::Seconds(2);
  result.sent = 5;
  for (int i = 0; i < 4; ++i) result.latency.Record(absl::Milliseconds(4));
  result.errors[absl::StatusCode::kResourceExhausted] = 1;
  result.compute = absl::Milliseconds(8);
  result.tokens = 40;
  return result;
}

TEST(FormatLatencyTest, ThreeDigitsAndAUnit) {
  EXPECT_EQ(FormatLatency(absl::ZeroDuration()), "0.00 us");
  EXPECT_EQ(FormatLatency(absl::Nanoseconds(1234)), "1.23 us");
  EXPECT_EQ(FormatLatency(absl::Nanoseconds(56789)), "56.8 us");
  EXPECT_EQ(FormatLatency(absl::Microseconds(987)), "987 us");
  EXPECT_EQ(FormatLatency(absl::Nanoseconds(999'600)), "1.00 ms");
  EXPECT_EQ(FormatLatency(absl::Milliseconds(12)), "12.0 ms");
  EXPECT_EQ(FormatLatency(absl::Seconds(75)), "75.0 s");
}

TEST(FormatReportTest, SaysWhatMatters) {
  EXPECT_EQ(FormatReport(Result()),
            "requests    5 in 2.00 s: 4 ok, 1 failed\n"
            "throughput  2.0 requests/s, 20 tokens/s\n"
            "latency     mean 4.00 ms  p50 4.00 ms  p90 4.00 ms  p99 4.00 ms  p99.9 4.00 ms  "
            "max 4.00 ms\n"
            "server      queue 0.00 us  tokenize 0.00 us  compute 2.00 ms  (means)\n"
            "error       RESOURCE_EXHAUSTED 1\n");
}

TEST(FormatReportTest, NothingSucceeded) {
  LoadResult result;
  result.sent = 1;
  result.errors[absl::StatusCode::kUnavailable] = 1;
  EXPECT_EQ(FormatReport(result),
            "requests    1 in 0.00 s: 0 ok, 1 failed\n"
            "throughput  0.0 requests/s, 0 tokens/s\n"
            "error       UNAVAILABLE 1\n");
}

TEST(ReportJsonTest, HasEveryNumber) {
  const nlohmann::json json = ReportJson(Result());
  EXPECT_EQ(json["requests"], 5);
  EXPECT_EQ(json["succeeded"], 4);
  EXPECT_EQ(json["errors"]["RESOURCE_EXHAUSTED"], 1);
  EXPECT_EQ(json["requests_per_second"], 2.0);
  EXPECT_EQ(json["tokens_per_second"], 20.0);
  EXPECT_EQ(json["server_mean_seconds"]["compute"], 0.002);
  for (const char* name : {"mean", "min", "p50", "p90", "p99", "p99.9", "max"}) {
    EXPECT_EQ(json["latency_seconds"][name], 0.004) << name;
  }
}

TEST(ProgressLineTest, OneLine) {
  LoadProgress progress;
  progress.elapsed = absl::Milliseconds(13400);
  progress.succeeded = 5120;
  progress.throughput = 402.12;
  progress.p50 = absl::Microseconds(1210);
  progress.p99 = absl::Microseconds(4800);
  progress.in_flight = 16;
  EXPECT_EQ(ProgressLine(progress),
            "13.4 s  5120 ok  402.1/s  p50 1.21 ms  p99 4.80 ms  16 in flight  0 failed");
}

}  // namespace
}  // namespace attentiond::client
