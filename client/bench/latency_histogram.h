// client/bench/latency_histogram.h -- latencies counted in log-linear buckets: bounded memory, any
// percentile.
//
// Below 2^kPrecisionBits nanoseconds every value has its own bucket; above, each power of two is
// cut into 2^(kPrecisionBits - 1) equal buckets, so that a percentile is at most 1/256 too high.
// Source: the layout of Gil Tene's HdrHistogram.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace attentiond::client {

/// Not thread-safe.
class LatencyHistogram {
 public:
  /// Negative latencies count as zero, those past an hour as an hour.
  void Record(absl::Duration latency);

  int64_t count() const { return count_; }
  /// Zero when empty, as the next two. Exact.
  absl::Duration min() const { return absl::Nanoseconds(count_ > 0 ? min_ : 0); }
  absl::Duration max() const { return absl::Nanoseconds(max_); }
  absl::Duration mean() const;

  /// The smallest latency that at least `percent` per cent of the recorded ones do not exceed
  /// (nearest rank), at most 1/256 above the exact one, never above max(). Zero when empty.
  /// `percent` in [0, 100].
  absl::Duration Percentile(double percent) const;

 private:
  static constexpr int kPrecisionBits = 9;

  static size_t BucketOf(int64_t nanoseconds);
  // The largest value that falls into the bucket.
  static int64_t UpperBound(size_t bucket);

  std::vector<int64_t> counts_;
  int64_t count_ = 0;
  int64_t min_ = INT64_MAX, max_ = 0;
  double sum_ = 0;
};

}  // namespace attentiond::client
