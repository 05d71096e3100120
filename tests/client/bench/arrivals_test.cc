#include "client/bench/arrivals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace attentiond::client {
namespace {

constexpr int kCount = 20000;

std::vector<double> Gaps(double rate, uint64_t seed) {
  PoissonArrivals arrivals(rate, seed);
  std::vector<double> gaps;
  absl::Duration last = absl::ZeroDuration();
  for (int i = 0; i < kCount; ++i) {
    const absl::Duration next = arrivals.Next();
    gaps.push_back(absl::ToDoubleSeconds(next - last));
    last = next;
  }
  return gaps;
}

TEST(PoissonArrivalsTest, TheMeanGapIsOneOverTheRate) {
  constexpr double kRate = 250;
  double sum = 0;
  for (const double gap : Gaps(kRate, 1)) {
    EXPECT_GE(gap, 0);
    sum += gap;
  }
  // The mean of n exponential gaps has a standard deviation of mean / sqrt(n); five of them.
  EXPECT_NEAR(sum / kCount, 1 / kRate, 5 / kRate / std::sqrt(kCount));
}

TEST(PoissonArrivalsTest, GapsAreExponential) {
  std::vector<double> gaps = Gaps(1, 7);
  std::sort(gaps.begin(), gaps.end());
  // Kolmogorov-Smirnov: the largest distance to 1 - exp(-x) exceeds 1.95 / sqrt(n) for one seed in
  // a thousand.
  double distance = 0;
  for (size_t i = 0; i < gaps.size(); ++i) {
    const double expected = 1 - std::exp(-gaps[i]);
    distance = std::max(distance, std::abs(expected - (static_cast<double>(i) + 0.5) / kCount));
  }
  EXPECT_LT(distance, 1.95 / std::sqrt(kCount));
}

TEST(PoissonArrivalsTest, GapsAreIndependent) {
  const std::vector<double> gaps = Gaps(1, 11);
  double covariance = 0;
  for (size_t i = 0; i + 1 < gaps.size(); ++i) covariance += (gaps[i] - 1) * (gaps[i + 1] - 1);
  // Variance 1: the sample correlation of neighbours has a standard deviation of 1 / sqrt(n).
  EXPECT_NEAR(covariance / kCount, 0, 5 / std::sqrt(kCount));
}

TEST(PoissonArrivalsTest, TheSeedDecides) {
  EXPECT_EQ(Gaps(10, 3), Gaps(10, 3));
  EXPECT_NE(Gaps(10, 3), Gaps(10, 4));
}

}  // namespace
}  // namespace attentiond::client
