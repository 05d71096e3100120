// server/batching/batch_task.h -- one unit of work that waits to be batched: a row of a text
// request, or one call.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace attentiond {

/// Threads: the getters are called by the scheduler while it holds its lock: they must not block.
class BatchTask {
 public:
  virtual ~BatchTask() = default;

  /// Tokens of compute; >= 1; constant.
  virtual int64_t cost() const = 0;
  /// Tasks of one request share a group; batches are filled round-robin over groups. Constant.
  virtual uint64_t group() const = 0;
  /// Groups of one client share its turn: no client is served more by sending more requests at once.
  /// Constant.
  virtual uint64_t client() const { return 0; }
  /// absl::InfiniteFuture(): none. Constant.
  virtual absl::Time deadline() const = 0;
  /// True once nobody waits for the result any more. May become true at any time.
  virtual bool cancelled() const = 0;
  /// Ends a task that will not run: kDeadlineExceeded, kCancelled, kUnavailable (shut down). Called
  /// exactly once for each scheduled task that is not handed to the runner, without the scheduler's
  /// lock.
  virtual void Drop(const absl::Status& reason) = 0;
};

}  // namespace attentiond
