// server/repository/model_statistics.cc -- the counters of one model.
#include "server/repository/model_statistics.h"

#include <algorithm>

namespace attentiond {
namespace {

void Add(ModelStatistics::Counter* counter, absl::Duration duration) {
  ++counter->count;
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

ModelStatistics::Snapshot ModelStatistics::Read() const {
  MutexLock lock(&mutex_);
  return snapshot_;
}

}  // namespace attentiond
