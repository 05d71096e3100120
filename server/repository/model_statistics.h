// server/repository/model_statistics.h -- the counters that KServe's ModelStatistics reports for
// one model.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "core/base/mutex.h"

namespace attentiond {

/// Threads: every method may be called concurrently.
class ModelStatistics {
 public:
  struct Counter {
    uint64_t count = 0;
    uint64_t ns = 0;
  };
  struct Snapshot {
    uint64_t last_inference_ms = 0;  ///< Unix time
    uint64_t inference_count = 0;    ///< rows
    uint64_t execution_count = 0;    ///< batches
    Counter success, fail, queue, compute_input, compute_infer, compute_output;
    Counter cache_hit, cache_miss;  ///< rows
  };

  /// A request of `rows` rows that ended well.
  void RecordSuccess(uint64_t rows, absl::Time now, absl::Duration total, absl::Duration queue,
                     absl::Duration input, absl::Duration infer, absl::Duration output);
  void RecordFailure(absl::Duration total);
  void RecordExecution();
  /// Of one request's rows; `total` is the time that all lookups took.
  void RecordCacheLookups(uint64_t hits, uint64_t misses, absl::Duration total);
  Snapshot Read() const;

 private:
  mutable Mutex mutex_;
  Snapshot snapshot_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace attentiond
