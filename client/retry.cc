#include "client/retry.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "absl/random/random.h"
#include "client/status.h"
#include "core/base/mutex.h"

namespace attentiond::client {
namespace {

void SleepUntil(Clock* clock, absl::Time wake) {
  Mutex mutex;
  CondVar never_signalled;
  MutexLock lock(&mutex);
  while (clock->Now() < wake) clock->WaitUntil(&never_signalled, &mutex, wake);
}

class LockedGenerator {
 public:
  double Next() {
    MutexLock lock(&mutex_);
    return absl::Uniform<double>(generator_, 0.0, 1.0);
  }

 private:
  Mutex mutex_;
  absl::BitGen generator_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

RandomSource SystemRandom() {
  // Shared, because std::function is copied.
  return [generator = std::make_shared<LockedGenerator>()] { return generator->Next(); };
}

bool IsRetryable(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
}

std::optional<absl::Duration> NextDelay(const RetryOptions& options, int attempt,
                                        const absl::Status& status, absl::Time now,
                                        absl::Time deadline, const RandomSource& random) {
  if (!IsRetryable(status) || attempt >= options.max_attempts) return std::nullopt;
  const absl::Duration backoff = std::min(
      options.max_backoff, options.initial_backoff * std::pow(options.multiplier, attempt - 1));
  const absl::Duration least = std::max(backoff, RetryDelay(status).value_or(absl::ZeroDuration()));
  const absl::Duration delay = least * (1.0 + options.jitter * random());
  if (now + delay >= deadline) return std::nullopt;
  return delay;
}

absl::Status CallWithRetry(const RetryOptions& options, Clock* clock, const RandomSource& random,
                           absl::Time deadline, const std::function<absl::Status()>& attempt) {
  for (int number = 1;; ++number) {
    absl::Status status = attempt();
    if (status.ok()) return status;
    const absl::Time now = clock->Now();
    const auto delay = NextDelay(options, number, status, now, deadline, random);
    if (!delay) return status;
    SleepUntil(clock, now + *delay);
  }
}

}  // namespace attentiond::client
