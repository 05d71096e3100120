#include "core/base/clock.h"

#include <chrono>

#include "absl/time/clock.h"

namespace attentiond {
namespace {

class RealClock final : public Clock {
 public:
  RealClock() : wall_start_(absl::Now()), steady_start_(std::chrono::steady_clock::now()) {}

  absl::Time Now() override {
    return wall_start_ + absl::FromChrono(std::chrono::steady_clock::now() - steady_start_);
  }

  void WaitUntil(CondVar* condition, Mutex* mutex, absl::Time deadline)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) override {
    if (deadline == absl::InfiniteFuture()) {
      condition->Wait(mutex);
    } else if (const absl::Duration left = deadline - Now(); left > absl::ZeroDuration()) {
      condition->WaitFor(mutex, left);
    }
  }

 private:
  const absl::Time wall_start_;
  const std::chrono::steady_clock::time_point steady_start_;
};

}  // namespace

Clock* Clock::Real() {
  static Clock* const clock = new RealClock;
  return clock;
}

}  // namespace attentiond
