#include "client/bench/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace attentiond::client {
namespace {

// The documented definition, on the sorted values.
int64_t ExactPercentile(const std::vector<int64_t>& sorted, double percent) {
  const auto rank = static_cast<int64_t>(
      std::ceil(percent * static_cast<double>(sorted.size()) / 100 * (1 - 1e-12)));
  return sorted[static_cast<size_t>(std::max<int64_t>(1, rank) - 1)];
}

TEST(LatencyHistogramTest, EmptyIsZero) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0);
  EXPECT_EQ(histogram.min(), absl::ZeroDuration());
  EXPECT_EQ(histogram.max(), absl::ZeroDuration());
  EXPECT_EQ(histogram.mean(), absl::ZeroDuration());
  EXPECT_EQ(histogram.Percentile(99), absl::ZeroDuration());
}

TEST(LatencyHistogramTest, OneValueIsEveryPercentile) {
  LatencyHistogram histogram;
  histogram.Record(absl::Nanoseconds(123'456'789));
  for (const double percent : {0.0, 50.0, 99.9, 100.0}) {
    EXPECT_EQ(histogram.Percentile(percent), absl::Nanoseconds(123'456'789)) << percent;
  }
  EXPECT_EQ(histogram.min(), histogram.max());
}

TEST(LatencyHistogramTest, SmallValuesAreExact) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 500; ++i) histogram.Record(absl::Nanoseconds(i));
  EXPECT_EQ(histogram.Percentile(50), absl::Nanoseconds(250));
  EXPECT_EQ(histogram.Percentile(99.8), absl::Nanoseconds(499));
  EXPECT_EQ(histogram.Percentile(100), absl::Nanoseconds(500));
  EXPECT_EQ(histogram.mean(), absl::Nanoseconds(250.5));
}

TEST(LatencyHistogramTest, PercentilesAreWithinTheBoundOfTheExactOnes) {
  std::mt19937_64 generator(42);
  std::lognormal_distribution<double> distribution(std::log(2e6), 1.5);  // around 2 ms
  LatencyHistogram histogram;
  std::vector<int64_t> values;
  for (int i = 0; i < 50000; ++i) {
    const auto value = static_cast<int64_t>(distribution(generator));
    values.push_back(value);
    histogram.Record(absl::Nanoseconds(value));
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {0.0, 1.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    const int64_t exact = ExactPercentile(values, percent);
    const int64_t found = absl::ToInt64Nanoseconds(histogram.Percentile(percent));
    EXPECT_GE(found, exact) << percent;
    EXPECT_LE(found, exact + exact / 256 + 1) << percent;
  }
  EXPECT_EQ(absl::ToInt64Nanoseconds(histogram.max()), values.back());
  EXPECT_EQ(absl::ToInt64Nanoseconds(histogram.min()), values.front());
}

TEST(LatencyHistogramTest, BoundsOfEveryPowerOfTwo) {
  for (int power = 0; power < 41; ++power) {  // 2^41 ns is 37 minutes
    for (const int64_t offset : {-1, 0, 1}) {
      const int64_t value = (int64_t{1} << power) + offset;
      LatencyHistogram histogram;
      histogram.Record(absl::Nanoseconds(value));
      histogram.Record(absl::Hours(1));
      const int64_t found = absl::ToInt64Nanoseconds(histogram.Percentile(50));
      EXPECT_GE(found, value);
      EXPECT_LE(found, value + value / 256) << value;
    }
  }
}

TEST(LatencyHistogramTest, ClampsNonsense) {
  LatencyHistogram histogram;
  histogram.Record(-absl::Seconds(1));
  histogram.Record(absl::InfiniteDuration());
  EXPECT_EQ(histogram.min(), absl::ZeroDuration());
  EXPECT_EQ(histogram.max(), absl::Hours(1));
}

TEST(LatencyHistogramTest, NearestRankIsNotRoundedUp) {
  LatencyHistogram thousand;
  for (int i = 0; i < 999; ++i) thousand.Record(absl::Nanoseconds(10));
  thousand.Record(absl::Nanoseconds(400));
  EXPECT_EQ(thousand.Percentile(99.9), absl::Nanoseconds(10));
  EXPECT_EQ(thousand.Percentile(99.91), absl::Nanoseconds(400));
}

}  // namespace
}  // namespace attentiond::client
