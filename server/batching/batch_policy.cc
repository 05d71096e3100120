// server/batching/batch_policy.cc -- when to form a batch and what goes into it.
#include "server/batching/batch_policy.h"

#include <optional>
#include <utility>

namespace attentiond {

absl::Time FormationTime(const FairQueue& queue, const BatchQueueOptions& options) {
  if (queue.empty()) return absl::InfiniteFuture();
  const absl::Time latest = queue.oldest_arrival() + options.max_queue_delay;
  const bool is_full =
      queue.size() >= options.max_batch_requests || queue.tokens() >= options.max_batch_tokens;
  return is_full || queue.next_deadline() <= latest ? absl::InfinitePast() : latest;
}

FormedBatch FormBatch(const BatchQueueOptions& options, absl::Time now, FairQueue* queue) {
  return FormBatch(
      options, now, [](const BatchTask&) { return true; }, queue);
}

FormedBatch FormBatch(const BatchQueueOptions& options, absl::Time now,
                      absl::FunctionRef<bool(const BatchTask&)> has_room, FairQueue* queue) {
  FormedBatch batch;
  batch.expired = TakeExpired(now, queue);
  while (const BatchTask* next = queue->next()) {
    if (next->cancelled()) {
      batch.cancelled.push_back(queue->DiscardNext().task);
      continue;
    }
    const bool fits = static_cast<int64_t>(batch.tasks.size()) < options.max_batch_requests &&
                      batch.tokens + next->cost() <= options.max_batch_tokens;
    if (!fits && !batch.tasks.empty()) break;
    if (!has_room(*next)) break;
    FairQueue::Waiting taken = queue->TakeNext();
    batch.tokens += taken.task->cost();
    batch.waited.push_back(now - taken.arrival);
    batch.tasks.push_back(std::move(taken.task));
  }
  return batch;
}

std::vector<std::unique_ptr<BatchTask>> TakeExpired(absl::Time now, FairQueue* queue) {
  std::vector<std::unique_ptr<BatchTask>> expired;
  while (std::optional<FairQueue::Waiting> waiting = queue->DiscardExpired(now)) {
    expired.push_back(std::move(waiting->task));
  }
  return expired;
}

}  // namespace attentiond
