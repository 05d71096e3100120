// server/repository/model_statistics.cc -- the counters of one model.
#include "server/repository/model_statistics.h"

#include <algorithm>

namespace attentiond {
namespace {

void Add(ModelStatistics::Counter* counter, absl::Duration duration, uint64_t count = 1) {
  counter->count += count;
  counter->ns += static_cast<uint64_t>(std::max(int64_t{0}, absl::ToInt64Nanoseconds(duration)));
}

}  // namespace

void ModelStatistics::RecordSuccess(uint64_t rows, absl::Time now, absl::Duration total,
                                    absl::Duration queue, absl::Duration input,
                                    absl::Duration infer, absl::Duration output) {
  MutexLock lock(&mutex_);
  snapshot_.inference_count += rows;
  snapshot_.last_inference_ms =
      std::max(snapshot_.last_inference_ms, static_cast<uint64_t>(absl::ToUnixMillis(now)));
  Add(&snapshot_.success, total);
  Add(&snapshot_.queue, queue);
  Add(&snapshot_.compute_input, input);
  Add(&snapshot_.compute_infer, infer);
  Add(&snapshot_.compute_output, output);
}

void ModelStatistics::RecordFailure(absl::Duration total) {
  MutexLock lock(&mutex_);
  Add(&snapshot_.fail, total);
}

void ModelStatistics::RecordExecution() {
  MutexLock lock(&mutex_);
  ++snapshot_.execution_count;
}

void ModelStatistics::RecordCacheLookups(uint64_t hits, uint64_t misses, absl::Duration total) {
  const absl::Duration each = total / static_cast<int64_t>(std::max<uint64_t>(1, hits + misses));
  MutexLock lock(&mutex_);
  Add(&snapshot_.cache_hit, each * static_cast<int64_t>(hits), hits);
  Add(&snapshot_.cache_miss, each * static_cast<int64_t>(misses), misses);
}

ModelStatistics::Snapshot ModelStatistics::Read() const {
  MutexLock lock(&mutex_);
  return snapshot_;
}

}  // namespace attentiond
