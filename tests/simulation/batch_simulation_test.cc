// A seeded simulation of the scheduler: requests with deadlines arrive at several queues and are
// cancelled, and every batch is checked against what the scheduler promises.
//
// It is deterministic although the executor is a thread: only one of the two threads acts at a
// time. While a batch "computes", the executor thread itself moves the clock on and lets happen
// what falls into that time; while nothing waits, the test's thread does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/batching/batch_scheduler.h"
#include "tests/testing/batch_test_task.h"
#include "tests/testing/fake_clock.h"

namespace attentiond {
namespace {

using testing::BatchTestTask;
using testing::FakeClock;
using testing::ScheduleChecked;
using testing::TaskOutcome;
using Tasks = std::vector<std::unique_ptr<BatchTask>>;

class Simulation {
 public:
  explicit Simulation(uint32_t seed) : random_(seed), scheduler_(&clock_) {
    const int num_queues = Pick(1, 4);
    for (int i = 0; i < num_queues; ++i) AddQueue(i);
    PlanRequests(Pick(20, 300));
  }

  // Lets everything happen, then checks what must hold at the end.
  void Run() {
    // Once drained, nothing waits and nothing runs: this thread has the word.
    while (scheduler_.Drain(absl::InfiniteFuture()) && !events_.empty()) HappenNext();
    int64_t run = 0;
    for (const Request& request : requests_) {
      for (const auto& outcome : request.outcomes) {
        EXPECT_EQ(outcome->times_ended(), request.refused ? 0 : 1);
        if (!request.refused && outcome->status().ok()) ++run;
        if (!request.refused && absl::IsCancelled(outcome->status())) {
          EXPECT_TRUE(outcome->cancelled());
        }
      }
    }
    EXPECT_EQ(run, tasks_run_);
    EXPECT_GT(tasks_run_, 0);
  }

 private:
  struct Queue {
    std::shared_ptr<BatchQueue> handle;
    BatchQueueOptions options;
    std::set<size_t> requests;  // that have been accepted
    // How many tasks of another request were taken since a request that waits arrived or had its
    // turn: [waiting request][other request].
    std::map<size_t, std::map<size_t, int>> passed_by;
    // How many batches of another queue ran since this one began to wait or had its turn.
    std::map<size_t, int> batches_of_others;
  };
  struct Request {
    size_t queue = 0;
    std::vector<BatchTestTask::Spec> rows;
    std::vector<std::shared_ptr<TaskOutcome>> outcomes;
    bool refused = false;
    size_t next_row = 0;  // rows leave in order
  };
  struct Event {
    absl::Time time;
    size_t request = 0;
    bool cancels = false;
  };

  int Pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  void AddQueue(int index) {
    Queue& queue = queues_.emplace_back();
    queue.options.max_batch_tokens = Pick(1, 100);
    queue.options.max_batch_requests = Pick(1, 10);
    queue.options.max_queue_requests = Pick(5, 200);
    queue.handle = scheduler_.AddQueue(
        absl::StrCat("queue ", index), queue.options,
        [this, index](Tasks batch) {
          CheckBatch(static_cast<size_t>(index), batch);
          Compute(batch);
          return testing::MarkAllRun(std::move(batch));
        },
        nullptr);
  }

  void PlanRequests(int count) {
    std::multimap<absl::Time, Event> events;
    absl::Time time = clock_.Now();
    for (size_t id = 0; id < static_cast<size_t>(count); ++id) {
      time += absl::Milliseconds(Pick(0, 3) == 0 ? Pick(0, 1000) : Pick(0, 10));
      Request& request = requests_.emplace_back();
      request.queue = static_cast<size_t>(Pick(0, static_cast<int>(queues_.size()) - 1));
      const absl::Time deadline =
          Pick(0, 2) == 0 ? time + absl::Milliseconds(Pick(0, 500)) : absl::InfiniteFuture();
      const int rows = Pick(0, 5) == 0 ? Pick(1, 60) : Pick(1, 3);
      for (int row = 0; row < rows; ++row) {
        request.rows.push_back({.group = id, .cost = Pick(1, 40), .deadline = deadline, .id = row});
        request.outcomes.push_back(std::make_shared<TaskOutcome>());
      }
      events.emplace(time, Event{time, id, false});
      if (Pick(0, 4) == 0) {
        const absl::Time cancelled = time + absl::Milliseconds(Pick(0, 300));
        events.emplace(cancelled, Event{cancelled, id, true});
      }
    }
    for (const auto& [when, event] : events) events_.push_back(event);
  }

  void HappenNext() {
    const Event event = events_.front();
    events_.pop_front();
    clock_.Advance(event.time - clock_.Now());
    Request& request = requests_[event.request];
    if (event.cancels) {
      for (const auto& outcome : request.outcomes) outcome->Cancel();
      return;
    }
    Tasks tasks;
    for (size_t row = 0; row < request.rows.size(); ++row) {
      tasks.push_back(std::make_unique<BatchTestTask>(request.rows[row], request.outcomes[row]));
    }
    Queue& queue = queues_[request.queue];
    // Before Schedule(), after which the executor may have the word.
    if (!IsWaiting(request.queue, {})) queue.batches_of_others.clear();
    queue.requests.insert(event.request);
    if (!ScheduleChecked(*queue.handle, &tasks).ok()) {
      queue.requests.erase(event.request);
      request.refused = true;
    }
  }

  // Whether a task of this request waits, but for those in the batch.
  bool RequestWaits(const Request& request, const std::set<const TaskOutcome*>& batch) const {
    for (const auto& outcome : request.outcomes) {
      if (outcome->times_ended() == 0 && !batch.contains(outcome.get())) return true;
    }
    return false;
  }
  bool IsWaiting(size_t queue, const std::set<const TaskOutcome*>& batch) const {
    for (const size_t id : queues_[queue].requests) {
      if (RequestWaits(requests_[id], batch)) return true;
    }
    return false;
  }

  void CheckBatch(size_t queue_index, const Tasks& batch) {
    Queue& queue = queues_[queue_index];
    ASSERT_FALSE(batch.empty());
    EXPECT_LE(static_cast<int64_t>(batch.size()), queue.options.max_batch_requests);
    int64_t tokens = 0;
    std::set<const TaskOutcome*> taken;
    for (const auto& task : batch) {
      tokens += task->cost();
      // The clock has not moved since the batch was formed.
      EXPECT_GT(task->deadline(), clock_.Now()) << "computed after its deadline";
      EXPECT_FALSE(task->cancelled()) << "computed although cancelled";
      taken.insert(&static_cast<const BatchTestTask&>(*task).outcome());
    }
    EXPECT_TRUE(tokens <= queue.options.max_batch_tokens || batch.size() == 1);
    tasks_run_ += static_cast<int64_t>(batch.size());
    CheckTurnsOfRequests(queue, batch, taken);
    CheckTurnsOfQueues(queue_index, taken);
  }

  // While a request waits, no other request gets two turns.
  void CheckTurnsOfRequests(Queue& queue, const Tasks& batch,
                            std::set<const TaskOutcome*> left_in_batch) {
    for (const auto& task : batch) {
      const auto& taken = static_cast<const BatchTestTask&>(*task);
      const size_t id = taken.spec().group;
      left_in_batch.erase(&taken.outcome());
      EXPECT_GE(taken.spec().id, static_cast<int>(requests_[id].next_row)) << "rows out of order";
      requests_[id].next_row = static_cast<size_t>(taken.spec().id) + 1;
      queue.passed_by.erase(id);
      for (const size_t other : queue.requests) {
        // Those later in this batch wait too, as long as their turn has not come.
        if (other == id || !RequestWaits(requests_[other], Taken(batch, left_in_batch))) continue;
        EXPECT_LE(++queue.passed_by[other][id], 1)
            << "request " << other << " was passed by request " << id;
      }
    }
    std::erase_if(queue.requests,
                  [&](size_t id) { return !RequestWaits(requests_[id], Taken(batch, {})); });
  }

  // The tasks of the batch but for `left`.
  static std::set<const TaskOutcome*> Taken(const Tasks& batch,
                                            const std::set<const TaskOutcome*>& left) {
    std::set<const TaskOutcome*> taken;
    for (const auto& task : batch) {
      const TaskOutcome* outcome = &static_cast<const BatchTestTask&>(*task).outcome();
      if (!left.contains(outcome)) taken.insert(outcome);
    }
    return taken;
  }

  // While a queue waits, no other queue gets two batches.
  void CheckTurnsOfQueues(size_t served, const std::set<const TaskOutcome*>& taken) {
    queues_[served].batches_of_others.clear();
    for (size_t other = 0; other < queues_.size(); ++other) {
      if (other == served || !IsWaiting(other, taken)) continue;
      EXPECT_LE(++queues_[other].batches_of_others[served], 1)
          << "queue " << other << " was passed by queue " << served;
    }
  }

  void Compute(const Tasks& batch) {
    absl::Duration compute = absl::Milliseconds(1);
    for (const auto& task : batch) compute += absl::Milliseconds(task->cost());
    const absl::Time end = clock_.Now() + compute;
    while (!events_.empty() && events_.front().time <= end) HappenNext();
    clock_.Advance(end - clock_.Now());
  }

  std::mt19937 random_;
  FakeClock clock_;
  std::deque<Event> events_;  // in the order of time
  std::vector<Queue> queues_;
  std::vector<Request> requests_;
  int64_t tasks_run_ = 0;
  BatchScheduler scheduler_;  // last: its thread uses the rest
};

class BatchSimulationTest : public ::testing::TestWithParam<uint32_t> {};

TEST_P(BatchSimulationTest, KeepsItsPromises) {
  SCOPED_TRACE(absl::StrCat("seed ", GetParam()));
  Simulation(GetParam()).Run();
}

INSTANTIATE_TEST_SUITE_P(Seeds, BatchSimulationTest, ::testing::Range(uint32_t{1}, uint32_t{101}));

}  // namespace
}  // namespace attentiond
