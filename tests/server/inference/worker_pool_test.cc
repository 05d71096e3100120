#include "server/inference/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>

#include "tests/testing/gate.h"

namespace attentiond {
namespace {

using testing::Gate;

TEST(WorkerPoolTest, RunsJobsAndFinishesThemBeforeItEnds) {
  std::atomic<int> done{0};
  {
    WorkerPool pool(3, 1000);
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(pool.TrySubmit([&done] { ++done; }));
  }
  EXPECT_EQ(done, 1000);
}

TEST(WorkerPoolTest, RefusesWhenTooManyWait) {
  Gate gate;
  gate.Close();
  std::atomic<int> done{0};
  {
    WorkerPool pool(1, 2);
    ASSERT_TRUE(pool.TrySubmit([&gate] { gate.Pass(); }));
    gate.WaitForArrivals(1);
    EXPECT_TRUE(pool.TrySubmit([&done] { ++done; }));
    EXPECT_TRUE(pool.TrySubmit([&done] { ++done; }));
    auto held = std::make_shared<int>(0);
    EXPECT_FALSE(pool.TrySubmit([&done, held] { ++done; }));
    EXPECT_EQ(held.use_count(), 1) << "a refused job must be destroyed";
    gate.Open();
  }
  EXPECT_EQ(done, 2);
}

TEST(WorkerPoolTest, JobsRunAtOnceOnAllThreads) {
  Gate gate;
  gate.Close();
  WorkerPool pool(4, 4);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(pool.TrySubmit([&gate] { gate.Pass(); }));
  gate.WaitForArrivals(4);  // would never come if one job waited for another
  gate.Open();
}

}  // namespace
}  // namespace attentiond
