#include "server/periodic_task.h"

#include <gtest/gtest.h>

#include "tests/testing/fake_clock.h"

namespace attentiond {
namespace {

/// Counts runs; a test waits for the next one.
class Runs {
 public:
  void Add() {
    MutexLock lock(&mutex_);
    ++runs_;
    changed_.SignalAll();
  }
  void WaitFor(int runs) {
    MutexLock lock(&mutex_);
    while (runs_ < runs) changed_.Wait(&mutex_);
  }
  int count() {
    MutexLock lock(&mutex_);
    return runs_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int runs_ ABSL_GUARDED_BY(mutex_) = 0;
};

TEST(PeriodicTaskTest, RunsOnceAPeriod) {
  testing::FakeClock clock;
  Runs runs;
  PeriodicTask task(absl::Seconds(10), &clock, [&runs] { runs.Add(); });
  for (int i = 1; i <= 3; ++i) {
    clock.WaitUntilBlocked(clock.Now() + absl::Seconds(10));
    EXPECT_EQ(runs.count(), i - 1);
    clock.Advance(absl::Seconds(10));
    runs.WaitFor(i);
  }
}

TEST(PeriodicTaskTest, RunsWhenTriggeredToo) {
  Runs runs;
  PeriodicTask task(absl::InfiniteDuration(), Clock::Real(), [&runs] { runs.Add(); });
  EXPECT_EQ(runs.count(), 0);
  task.Trigger();
  runs.WaitFor(1);
}

TEST(PeriodicTaskTest, EndsWithoutARun) {
  Runs runs;
  { PeriodicTask task(absl::Hours(1), Clock::Real(), [&runs] { runs.Add(); }); }
  EXPECT_EQ(runs.count(), 0);
}

}  // namespace
}  // namespace attentiond
