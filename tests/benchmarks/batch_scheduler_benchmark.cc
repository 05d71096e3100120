// What the scheduler itself costs: from Schedule() to the answer when the compute is nothing, and
// the forming of batches out of long queues.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "core/base/mutex.h"
#include "server/batching/batch_policy.h"
#include "server/batching/batch_scheduler.h"

namespace attentiond {
namespace {

using Tasks = std::vector<std::unique_ptr<BatchTask>>;

class Notification {
 public:
  void Notify() {
    MutexLock lock(&mutex_);
    notified_ = true;
    condition_.Signal();
  }
  void Wait() {
    MutexLock lock(&mutex_);
    while (!notified_) condition_.Wait(&mutex_);
  }

 private:
  Mutex mutex_;
  CondVar condition_;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
};

class Task final : public BatchTask {
 public:
  Task(uint64_t group, Notification* done) : group_(group), done_(done) {}
  int64_t cost() const override { return 16; }
  uint64_t group() const override { return group_; }
  absl::Time deadline() const override { return absl::InfiniteFuture(); }
  bool cancelled() const override { return false; }
  void Drop(const absl::Status& /*reason*/) override { Finish(); }
  void Finish() { done_->Notify(); }

 private:
  const uint64_t group_;
  Notification* const done_;
};

BatchCompletion Answer(Tasks batch) {
  return [batch = std::move(batch)] {
    for (const auto& task : batch) static_cast<Task&>(*task).Finish();
  };
}

// One queue for all threads of a benchmark.
BatchQueue& SharedQueue() {
  static BatchScheduler* const scheduler = new BatchScheduler(Clock::Real());
  static const auto* const queue = new std::shared_ptr<BatchQueue>(
      scheduler->AddQueue("benchmark", BatchQueueOptions(), &Answer, nullptr));
  return **queue;
}

// A client that waits for its answer before it asks again; as many as there are threads.
void BM_RoundTrip(benchmark::State& state) {
  BatchQueue& queue = SharedQueue();
  const auto group = static_cast<uint64_t>(state.thread_index());
  for (auto _ : state) {
    Notification done;
    Tasks tasks;
    tasks.push_back(std::make_unique<Task>(group, &done));
    if (!queue.Schedule(&tasks).ok()) return state.SkipWithError("refused");
    done.Wait();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(BM_RoundTrip)->Threads(1)->Threads(4)->Threads(16)->Threads(64)->UseRealTime();

// Forms batches of 256 until a queue of range(0) tasks in range(1) groups is empty. The time of an
// item must not grow with the queue.
void BM_FormBatches(benchmark::State& state) {
  Notification ignored;
  const BatchQueueOptions options;
  for (auto _ : state) {
    state.PauseTiming();
    FairQueue queue;
    for (int64_t i = 0; i < state.range(0); ++i) {
      queue.Push(std::make_unique<Task>(static_cast<uint64_t>(i % state.range(1)), &ignored),
                 absl::UnixEpoch());
    }
    state.ResumeTiming();
    while (!queue.empty()) {
      benchmark::DoNotOptimize(FormBatch(options, absl::UnixEpoch(), &queue));
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_FormBatches)
    ->Args({256, 1})
    ->Args({256, 256})
    ->Args({4096, 1})
    ->Args({4096, 4096})
    ->Args({65536, 1})
    ->Args({65536, 65536});

}  // namespace
}  // namespace attentiond

BENCHMARK_MAIN();
