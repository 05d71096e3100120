// server/batching/fair_queue.cc -- fair round-robin over groups, on ordered containers.
#include "server/batching/fair_queue.h"

#include "core/base/check.h"

namespace attentiond {

void FairQueue::Push(std::unique_ptr<BatchTask> task, absl::Time now) {
  const Sequence sequence = next_sequence_++;
  const auto [group, is_new] = groups_.try_emplace(task->group());
  if (is_new) group->second.turn = line_.insert(line_.end(), task->group());
  group->second.members.insert(group->second.members.end(), sequence);
  if (task->deadline() != absl::InfiniteFuture()) deadlines_.emplace(task->deadline(), sequence);
  tokens_ += task->cost();
  waiting_.emplace_hint(waiting_.end(), sequence, Waiting{std::move(task), now});
}

const BatchTask* FairQueue::next() const {
  if (line_.empty()) return nullptr;
  const Group& group = groups_.at(line_.front());
  return waiting_.at(*group.members.begin()).task.get();
}

FairQueue::Waiting FairQueue::TakeNext() {
  ATTENTIOND_CHECK(!line_.empty());
  const auto turn = line_.begin();
  Group& group = groups_.at(*turn);
  line_.splice(line_.end(), line_, turn);
  return Remove(*group.members.begin());
}

FairQueue::Waiting FairQueue::DiscardNext() {
  ATTENTIOND_CHECK(!line_.empty());
  return Remove(*groups_.at(line_.front()).members.begin());
}

std::optional<FairQueue::Waiting> FairQueue::DiscardExpired(absl::Time now) {
  if (deadlines_.empty() || next_deadline() > now) return std::nullopt;
  return Remove(deadlines_.begin()->second);
}

absl::Time FairQueue::oldest_arrival() const {
  return waiting_.empty() ? absl::InfiniteFuture() : waiting_.begin()->second.arrival;
}

absl::Time FairQueue::next_deadline() const {
  return deadlines_.empty() ? absl::InfiniteFuture() : deadlines_.begin()->first;
}

FairQueue::Waiting FairQueue::Remove(Sequence sequence) {
  const auto position = waiting_.find(sequence);
  Waiting removed = std::move(position->second);
  waiting_.erase(position);
  tokens_ -= removed.task->cost();
  deadlines_.erase({removed.task->deadline(), sequence});
  const auto group = groups_.find(removed.task->group());
  group->second.members.erase(sequence);
  if (group->second.members.empty()) {
    line_.erase(group->second.turn);
    groups_.erase(group);
  }
  return removed;
}

}  // namespace attentiond
