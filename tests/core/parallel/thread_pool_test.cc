#include "core/parallel/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace attentiond {
namespace {

TEST(ThreadPoolTest, CoversTheRangeOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.num_threads(), threads);
    for (const int64_t count : {0, 1, 2, 3, 7, 8, 31, 100, 1000}) {
      for (const int64_t grain : {1, 3, 1000}) {
        // Plain ints: a lost or doubled iteration shows as a wrong count, a missing hand-over of
        // memory as a race under ThreadSanitizer.
        std::vector<int> visits(static_cast<size_t>(count), 0);
        pool.ParallelFor(count, grain, [&](int64_t begin, int64_t end, int thread) {
          EXPECT_LE(0, thread);
          EXPECT_LT(thread, threads);
          EXPECT_LT(begin, end);
          for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
        });
        EXPECT_EQ(visits, std::vector<int>(static_cast<size_t>(count), 1))
            << threads << " threads, grain " << grain;
      }
    }
  }
}

TEST(ThreadPoolTest, SmallLoopsStayOnTheCaller) {
  ThreadPool pool(4);
  const auto caller = std::this_thread::get_id();
  int calls = 0;
  pool.ParallelFor(10, 10, [&](int64_t begin, int64_t end, int thread) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_EQ(begin, 0);
    EXPECT_EQ(end, 10);
    EXPECT_EQ(thread, 0);
    ++calls;
  });
  EXPECT_EQ(calls, 1);
}

TEST(ThreadPoolTest, ThreadIndexIsNotSharedByBodiesThatRunAtOnce) {
  ThreadPool pool(2);
  std::vector<std::atomic<int>> running(2);
  for (int repeat = 0; repeat < 200; ++repeat) {
    pool.ParallelFor(16, 1, [&](int64_t, int64_t, int thread) {
      EXPECT_EQ(running[static_cast<size_t>(thread)].fetch_add(1), 0);
      running[static_cast<size_t>(thread)].fetch_sub(1);
    });
  }
}

TEST(ThreadPoolTest, NestedLoopRunsSeriallyOnItsThread) {
  ThreadPool pool(2);
  EXPECT_FALSE(pool.InParallelFor());
  std::atomic<int> inner_calls{0};
  pool.ParallelFor(8, 1, [&](int64_t begin, int64_t end, int outer_thread) {
    EXPECT_TRUE(pool.InParallelFor());
    for (int64_t i = begin; i < end; ++i) {
      pool.ParallelFor(100, 1, [&](int64_t inner_begin, int64_t inner_end, int thread) {
        EXPECT_EQ(thread, outer_thread);
        EXPECT_EQ(inner_begin, 0);
        EXPECT_EQ(inner_end, 100);
        ++inner_calls;
      });
    }
  });
  EXPECT_EQ(inner_calls, 8);
  EXPECT_FALSE(pool.InParallelFor());
}

TEST(ThreadPoolTest, PoolsOnSeveralThreadsDoNotDisturbEachOther) {
  std::vector<std::thread> executors;
  std::vector<int64_t> sums(3, 0);
  for (size_t e = 0; e < sums.size(); ++e) {
    executors.emplace_back([&sum = sums[e]] {
      ThreadPool pool(2);
      std::vector<int64_t> squares(64, 0);
      for (int64_t round = 1; round <= 50; ++round) {
        pool.ParallelFor(64, 1, [&](int64_t begin, int64_t end, int) {
          for (int64_t i = begin; i < end; ++i) squares[static_cast<size_t>(i)] = round * i * i;
        });
        for (const int64_t square : squares) sum += square;
      }
    });
  }
  for (std::thread& executor : executors) executor.join();
  // sum of i^2 for i < 64 is 85344, sum of rounds 1..50 is 1275.
  EXPECT_EQ(sums, std::vector<int64_t>(3, 85344 * 1275));
}

}  // namespace
}  // namespace attentiond
