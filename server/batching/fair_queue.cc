// server/batching/fair_queue.cc -- fair round-robin over clients and groups, on ordered containers.
#include "server/batching/fair_queue.h"

#include "core/base/check.h"

namespace attentiond {

void FairQueue::Push(std::unique_ptr<BatchTask> task, absl::Time now) {
  const Sequence sequence = next_sequence_++;
  const auto [group, is_new] = groups_.try_emplace(task->group());
  if (is_new) {
    const auto [client, is_new_client] = clients_.try_emplace(task->client());
    if (is_new_client) {
      client->second.turn = clients_line_.insert(clients_line_.end(), task->client());
    }
    Line& groups = client->second.groups;
    group->second.turn = groups.insert(groups.end(), task->group());
  }
  group->second.members.insert(group->second.members.end(), sequence);
  if (task->deadline() != absl::InfiniteFuture()) deadlines_.emplace(task->deadline(), sequence);
  tokens_ += task->cost();
  waiting_.emplace_hint(waiting_.end(), sequence, Waiting{std::move(task), now});
}

const FairQueue::Group& FairQueue::NextGroup() const {
  return groups_.at(clients_.at(clients_line_.front()).groups.front());
}

const BatchTask* FairQueue::next() const {
  if (empty()) return nullptr;
  return waiting_.at(*NextGroup().members.begin()).task.get();
}

FairQueue::Waiting FairQueue::TakeNext() {
  ATTENTIOND_CHECK(!empty());
  const Sequence sequence = *NextGroup().members.begin();
  Line& groups = clients_.at(clients_line_.front()).groups;
  groups.splice(groups.end(), groups, groups.begin());
  clients_line_.splice(clients_line_.end(), clients_line_, clients_line_.begin());
  return Remove(sequence);
}

FairQueue::Waiting FairQueue::DiscardNext() {
  ATTENTIOND_CHECK(!empty());
  return Remove(*NextGroup().members.begin());
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
  std::set<Sequence>& members = groups_.at(removed.task->group()).members;
  members.erase(sequence);
  if (members.empty()) Forget(removed.task->client(), removed.task->group());
  return removed;
}

void FairQueue::Forget(uint64_t client_id, uint64_t group_id) {
  const auto group = groups_.find(group_id);
  const auto client = clients_.find(client_id);
  client->second.groups.erase(group->second.turn);
  groups_.erase(group);
  if (!client->second.groups.empty()) return;
  clients_line_.erase(client->second.turn);
  clients_.erase(client);
}

}  // namespace attentiond
