// server/batching/fair_queue.h -- the waiting tasks of one queue, in the order in which batches
// take them: round-robin over groups, first come first served inside a group.
//
// A request of 1000 rows is one group, and so is a request of one: each gives one task in turn, so
// the small one waits for one row of the large one, not for all of them.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "absl/time/time.h"
#include "server/batching/batch_task.h"

namespace attentiond {

/// Cost     every operation is O(log size()); nothing walks over what waits.
/// Threads  none of its own: the owner's lock guards it.
class FairQueue {
 public:
  struct Waiting {
    std::unique_ptr<BatchTask> task;
    absl::Time arrival;
  };

  /// A task of a group that does not wait yet puts the group at the end of the line. `now` must not
  /// decrease from call to call.
  void Push(std::unique_ptr<BatchTask> task, absl::Time now);

  /// The task whose turn it is; nullptr when empty.
  const BatchTask* next() const;
  /// Removes next(); its group goes to the end of the line. Requires a task.
  Waiting TakeNext();
  /// Removes next(); its group keeps its turn, for a task that will not run. Requires a task.
  Waiting DiscardNext();
  /// Removes the task with the earliest deadline when that is at or before `now`.
  std::optional<Waiting> DiscardExpired(absl::Time now);

  bool empty() const { return waiting_.empty(); }
  int64_t size() const { return static_cast<int64_t>(waiting_.size()); }
  int64_t num_groups() const { return static_cast<int64_t>(groups_.size()); }
  int64_t tokens() const { return tokens_; }  ///< sum of the costs
  /// absl::InfiniteFuture() when there is none.
  absl::Time oldest_arrival() const;
  absl::Time next_deadline() const;

 private:
  using Sequence = uint64_t;  // numbers the tasks in the order of arrival
  struct Group {
    std::set<Sequence> members;
    std::list<uint64_t>::iterator turn;  // in line_
  };

  Waiting Remove(Sequence sequence);

  Sequence next_sequence_ = 0;
  int64_t tokens_ = 0;
  std::map<Sequence, Waiting> waiting_;
  std::unordered_map<uint64_t, Group> groups_;  // by id; never an empty one
  std::list<uint64_t> line_;                    // ids of the groups; the front has its turn
  std::set<std::pair<absl::Time, Sequence>> deadlines_;
};

}  // namespace attentiond
