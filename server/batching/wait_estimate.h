// server/batching/wait_estimate.h -- how long a new request would wait in a queue, to refuse at
// once what could not be answered in time.
//
// It errs towards accepting: only whole batches ahead count, and only once a well-filled batch has
// been timed. (A batch of one small task says little of a full one: its fixed costs would be taken
// for the price of a token.) What runs now, other queues and the request's own compute are left
// out.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "server/batching/batch_options.h"
#include "server/batching/fair_queue.h"

namespace attentiond {

/// Threads  none of its own: the owner's lock guards it.
class WaitEstimate {
 public:
  explicit WaitEstimate(const BatchQueueOptions& options) : options_(options) {}

  /// A batch of `tasks` and `tokens` took `compute`.
  void Record(int64_t tasks, int64_t tokens, absl::Duration compute);

  /// A lower estimate of the wait of the last of `num_tasks` new tasks of one group behind what is
  /// in `queue`; zero when nothing is known.
  absl::Duration Predict(const FairQueue& queue, int64_t num_tasks) const;

 private:
  const BatchQueueOptions options_;
  bool known_ = false;
  absl::Duration per_token_;  // exponentially smoothed, over well-filled batches
};

}  // namespace attentiond
