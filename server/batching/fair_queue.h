// server/batching/fair_queue.h -- the waiting tasks of one queue, in the order in which batches
// take them: round-robin over clients, inside a client over groups, first come first served inside
// a group.
//
// A request of 1000 rows is one group, and so is a request of one: each gives one task in turn, so
// the small one waits for one row of the large one, not for all of them. A client with a hundred
// requests in flight gets no more than one with a single request does.
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

  /// A task of a group that does not wait yet puts the group at the end of its client's line, and a
  /// client that does not wait yet at the end of the clients'. `now` must not
  /// decrease from call to call.
  void Push(std::unique_ptr<BatchTask> task, absl::Time now);

  /// The task whose turn it is; nullptr when empty.
  const BatchTask* next() const;
  /// Removes next(); its client and its group go to the ends of their lines. Requires a task.
  Waiting TakeNext();
  /// Removes next(); its client and its group keep their turns, for a task that will not run. Requires a task.
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
  using Line = std::list<uint64_t>;     // ids; the front has its turn
  struct Group {
    std::set<Sequence> members;
    Line::iterator turn;  // in its client's line
  };
  struct Client {
    Line groups;
    Line::iterator turn;  // in clients_line_
  };

  // Of the group whose turn it is; the queue is not empty.
  const Group& NextGroup() const;
  Waiting Remove(Sequence sequence);
  void Forget(uint64_t client, uint64_t group);

  Sequence next_sequence_ = 0;
  int64_t tokens_ = 0;
  std::map<Sequence, Waiting> waiting_;
  std::unordered_map<uint64_t, Group> groups_;  // by id; never an empty one
  std::unordered_map<uint64_t, Client> clients_;  // by id; never one without a group
  Line clients_line_;
  std::set<std::pair<absl::Time, Sequence>> deadlines_;
};

}  // namespace attentiond
