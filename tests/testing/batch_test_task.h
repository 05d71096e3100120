// tests/testing/batch_test_task.h -- a task that computes nothing and remembers how it ended.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "server/batching/batch_scheduler.h"
#include "server/batching/batch_task.h"

namespace attentiond::testing {

/// How a task ended; outlives it. Threads: any.
class TaskOutcome {
 public:
  void Cancel() { cancelled_.store(true); }
  bool cancelled() const { return cancelled_.load(); }

  void MarkRun() { End(absl::OkStatus()); }
  void MarkDropped(const absl::Status& reason) { End(reason); }

  /// Blocks until the task has ended; OK when it ran.
  absl::Status Wait() {
    MutexLock lock(&mutex_);
    while (times_ended_ == 0) ended_.Wait(&mutex_);
    return status_;
  }
  int times_ended() {
    MutexLock lock(&mutex_);
    return times_ended_;
  }
  absl::Status status() {
    MutexLock lock(&mutex_);
    return status_;
  }

 private:
  void End(const absl::Status& status) {
    {
      MutexLock lock(&mutex_);
      ++times_ended_;
      status_ = status;
    }
    ended_.SignalAll();
  }

  std::atomic<bool> cancelled_{false};
  Mutex mutex_;
  CondVar ended_;
  int times_ended_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

class BatchTestTask final : public BatchTask {
 public:
  struct Spec {
    uint64_t client = 0;
    uint64_t group = 0;
    int64_t cost = 1;
    absl::Time deadline = absl::InfiniteFuture();
    int id = 0;
  };

  explicit BatchTestTask(const Spec& spec,
                         std::shared_ptr<TaskOutcome> outcome = std::make_shared<TaskOutcome>())
      : spec_(spec), outcome_(std::move(outcome)) {}

  int64_t cost() const override { return spec_.cost; }
  uint64_t group() const override { return spec_.group; }
  uint64_t client() const override { return spec_.client; }
  absl::Time deadline() const override { return spec_.deadline; }
  bool cancelled() const override { return outcome_->cancelled(); }
  void Drop(const absl::Status& reason) override { outcome_->MarkDropped(reason); }

  const Spec& spec() const { return spec_; }
  TaskOutcome& outcome() const { return *outcome_; }

 private:
  const Spec spec_;
  const std::shared_ptr<TaskOutcome> outcome_;
};

/// The ids of BatchTestTasks.
inline std::vector<int> IdsOf(const std::vector<std::unique_ptr<BatchTask>>& tasks) {
  std::vector<int> ids;
  for (const auto& task : tasks) ids.push_back(static_cast<BatchTestTask&>(*task).spec().id);
  return ids;
}

/// Schedules, and checks on every call that ownership moved iff the status is OK.
inline absl::Status ScheduleChecked(BatchQueue& queue,
                                    std::vector<std::unique_ptr<BatchTask>>* tasks) {
  const size_t before = tasks->size();
  const absl::Status status = queue.Schedule(tasks);
  if (status.ok()) {
    EXPECT_TRUE(tasks->empty());
  } else {
    EXPECT_EQ(tasks->size(), before);
    for (const auto& task : *tasks) EXPECT_NE(task, nullptr);
  }
  return status;
}

/// A runner that only marks its tasks as run.
inline BatchCompletion MarkAllRun(std::vector<std::unique_ptr<BatchTask>> batch) {
  return [batch = std::move(batch)] {
    for (const auto& task : batch) static_cast<BatchTestTask&>(*task).outcome().MarkRun();
  };
}

}  // namespace attentiond::testing
