#include "server/repository/model_statistics.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace attentiond {
namespace {

TEST(ModelStatisticsTest, BeginsAtZero) {
  const ModelStatistics::Snapshot snapshot = ModelStatistics().Read();
  EXPECT_EQ(snapshot.last_inference_ms, 0u);
  EXPECT_EQ(snapshot.inference_count, 0u);
  EXPECT_EQ(snapshot.execution_count, 0u);
  EXPECT_EQ(snapshot.success.count, 0u);
  EXPECT_EQ(snapshot.fail.count, 0u);
}

TEST(ModelStatisticsTest, SumsSuccesses) {
  ModelStatistics statistics;
  for (int i = 1; i <= 2; ++i) {
    statistics.RecordSuccess(3, absl::FromUnixMillis(1000 * i), absl::Nanoseconds(100),
                             absl::Nanoseconds(40), absl::Nanoseconds(30), absl::Nanoseconds(20),
                             absl::Nanoseconds(10));
  }
  statistics.RecordExecution();
  const ModelStatistics::Snapshot snapshot = statistics.Read();
  EXPECT_EQ(snapshot.last_inference_ms, 2000u);
  EXPECT_EQ(snapshot.inference_count, 6u);
  EXPECT_EQ(snapshot.execution_count, 1u);
  EXPECT_EQ(snapshot.success.count, 2u);
  EXPECT_EQ(snapshot.success.ns, 200u);
  EXPECT_EQ(snapshot.queue.ns, 80u);
  EXPECT_EQ(snapshot.compute_input.ns, 60u);
  EXPECT_EQ(snapshot.compute_infer.ns, 40u);
  EXPECT_EQ(snapshot.compute_output.ns, 20u);
  EXPECT_EQ(snapshot.compute_output.count, 2u);
  EXPECT_EQ(snapshot.fail.count, 0u);
}

TEST(ModelStatisticsTest, FailuresCountApart) {
  ModelStatistics statistics;
  statistics.RecordFailure(absl::Microseconds(1));
  const ModelStatistics::Snapshot snapshot = statistics.Read();
  EXPECT_EQ(snapshot.fail.count, 1u);
  EXPECT_EQ(snapshot.fail.ns, 1000u);
  EXPECT_EQ(snapshot.success.count, 0u);
  EXPECT_EQ(snapshot.inference_count, 0u);
  EXPECT_EQ(snapshot.last_inference_ms, 0u);
}

// A duration below zero (two clocks were mixed) must not wrap around.
TEST(ModelStatisticsTest, NegativeDurationsCountAsZero) {
  ModelStatistics statistics;
  statistics.RecordFailure(-absl::Seconds(1));
  EXPECT_EQ(statistics.Read().fail.ns, 0u);
}

TEST(ModelStatisticsTest, CountsFromManyThreads) {
  ModelStatistics statistics;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&statistics] {
      for (int j = 0; j < 1000; ++j) statistics.RecordExecution();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(statistics.Read().execution_count, 8000u);
}

}  // namespace
}  // namespace attentiond
