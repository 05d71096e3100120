// server/batching/wait_estimate.cc -- the smoothed cost of a token, and the wait it predicts.
#include "server/batching/wait_estimate.h"

#include <algorithm>

namespace attentiond {
namespace {

// The weight of the newest batch: after four batches about two thirds of the estimate are new.
constexpr double kSmoothing = 0.25;

}  // namespace

void WaitEstimate::Record(int64_t tasks, int64_t tokens, absl::Duration compute) {
  const bool well_filled =
      tokens >= options_.max_batch_tokens / 2 || tasks >= options_.max_batch_requests / 2;
  if (!well_filled || tokens <= 0) return;
  const absl::Duration sample = compute / tokens;
  per_token_ = known_ ? per_token_ + kSmoothing * (sample - per_token_) : sample;
  known_ = true;
}

absl::Duration WaitEstimate::Predict(const FairQueue& queue, int64_t num_tasks) const {
  if (!known_ || queue.empty()) return absl::ZeroDuration();
  // Before the last of the new tasks each waiting group has had at most num_tasks turns.
  const auto waiting = static_cast<double>(queue.size());
  const double tasks_ahead =
      std::min(waiting, static_cast<double>(queue.num_groups()) * static_cast<double>(num_tasks));
  const double tokens_ahead = static_cast<double>(queue.tokens()) * tasks_ahead / waiting;
  const bool whole_batch_ahead = tasks_ahead >= static_cast<double>(options_.max_batch_requests) ||
                                 tokens_ahead >= static_cast<double>(options_.max_batch_tokens);
  return whole_batch_ahead ? per_token_ * tokens_ahead : absl::ZeroDuration();
}

}  // namespace attentiond
