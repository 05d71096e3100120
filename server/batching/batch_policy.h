// server/batching/batch_policy.h -- when to form a batch and what goes into it: pure functions of a
// queue, its options and the time.
//
// The executor asks FormationTime() of each queue, takes the one that has waited longest among
// those whose time has come, and lets FormBatch() fill a batch. docs/adr/0005-batching.md has the
// alternatives.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "server/batching/batch_options.h"
#include "server/batching/batch_task.h"
#include "server/batching/fair_queue.h"

namespace attentiond {

/// When a free executor shall form a batch; a time that has come means now, and
/// absl::InfiniteFuture() that nothing waits.
///
/// Without max_queue_delay: at once. With it: when the oldest task has waited so long, but at once
/// when a batch would be full or when a task's deadline does not leave the time.
absl::Time FormationTime(const FairQueue& queue, const BatchQueueOptions& options);

struct FormedBatch {
  std::vector<std::unique_ptr<BatchTask>> tasks;
  std::vector<absl::Duration> waited;  ///< of each task
  int64_t tokens = 0;
  std::vector<std::unique_ptr<BatchTask>> expired;    ///< taken out; the deadline is at or past now
  std::vector<std::unique_ptr<BatchTask>> cancelled;  ///< taken out; met on the way
};

/// Takes from `queue`, in its order, what one batch may hold. It ends at the first task that does
/// not fit any more: that one begins the next batch, so a large task is never passed by for ever. A
/// task that costs more than max_batch_tokens makes a batch alone. It also ends at the first task
/// that `has_room` is false of, which is asked once for each that would be taken. Every expired
/// task is removed, wherever it waits; a cancelled one when its turn comes.
///
/// Cost  O(log n) for each task that leaves the queue; nothing for those that stay.
FormedBatch FormBatch(const BatchQueueOptions& options, absl::Time now,
                      absl::FunctionRef<bool(const BatchTask&)> has_room, FairQueue* queue);
FormedBatch FormBatch(const BatchQueueOptions& options, absl::Time now, FairQueue* queue);

/// Removes every task whose deadline is at or past `now`.
std::vector<std::unique_ptr<BatchTask>> TakeExpired(absl::Time now, FairQueue* queue);

}  // namespace attentiond
