// server/batching/batch_options.h -- the limits of one queue and of its batches.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace attentiond {

struct BatchQueueOptions {
  // What a batch may hold.
  int64_t max_batch_tokens = 16384;  ///< a single task that costs more runs alone
  int64_t max_batch_requests = 256;  ///< tasks (rows), not RPCs
  // Admission.
  int64_t max_queue_requests = 4096;  ///< tasks waiting; more is kResourceExhausted
  // Performance: how long a batch may wait for company while the executor is free. 0: not at all.
  absl::Duration max_queue_delay = absl::ZeroDuration();
};

}  // namespace attentiond
