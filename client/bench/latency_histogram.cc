#include "client/bench/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace attentiond::client {

size_t LatencyHistogram::BucketOf(int64_t nanoseconds) {
  const auto value = static_cast<uint64_t>(nanoseconds);
  // Drop low bits until kPrecisionBits are left; the number dropped selects the power of two.
  const int dropped = std::max(0, static_cast<int>(std::bit_width(value)) - kPrecisionBits);
  constexpr size_t kBucketsPerPower = size_t{1} << (kPrecisionBits - 1);
  return static_cast<size_t>(dropped) * kBucketsPerPower + static_cast<size_t>(value >> dropped);
}

int64_t LatencyHistogram::UpperBound(size_t bucket) {
  constexpr size_t kBucketsPerPower = size_t{1} << (kPrecisionBits - 1);
  // The inverse of BucketOf: past the first 2^kPrecisionBits values, the leading bits run from
  // kBucketsPerPower to twice that for each power of two.
  const size_t dropped = bucket < 2 * kBucketsPerPower ? 0 : bucket / kBucketsPerPower - 1;
  const uint64_t leading = bucket - dropped * kBucketsPerPower;
  return static_cast<int64_t>(((leading + 1) << dropped) - 1);
}

void LatencyHistogram::Record(absl::Duration latency) {
  const int64_t nanoseconds =
      absl::ToInt64Nanoseconds(std::clamp(latency, absl::ZeroDuration(), absl::Hours(1)));
  const size_t bucket = BucketOf(nanoseconds);
  if (bucket >= counts_.size()) counts_.resize(bucket + 1);
  ++counts_[bucket];
  ++count_;
  min_ = std::min(min_, nanoseconds);
  max_ = std::max(max_, nanoseconds);
  sum_ += static_cast<double>(nanoseconds);
}

absl::Duration LatencyHistogram::mean() const {
  return count_ > 0 ? absl::Nanoseconds(sum_ / static_cast<double>(count_)) : absl::ZeroDuration();
}

absl::Duration LatencyHistogram::Percentile(double percent) const {
  if (count_ == 0) return absl::ZeroDuration();
  // 99.9 per cent of 1000 is 999, and rounding must not make it the 1000th.
  constexpr double kRoundingSlack = 1 - 1e-12;
  const double exact_rank = percent * static_cast<double>(count_) / 100 * kRoundingSlack;
  const auto rank = std::max<int64_t>(1, static_cast<int64_t>(std::ceil(exact_rank)));
  int64_t seen = 0;
  for (size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen >= rank) return absl::Nanoseconds(std::min(UpperBound(bucket), max_));
  }
  return max();
}

}  // namespace attentiond::client
