// server/inference/rows_request.h -- what all requests have in common whose rows are queued one by
// one: who waits for them, how their rows are counted, when they end, and where their time went.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "server/batching/batch_task.h"
#include "server/inference/call.h"
#include "server/repository/model_repository.h"

namespace attentiond {

/// Its rows become tasks, all of one group, and may run in different batches. The first that fails
/// ends the request; what is left of it is then dropped as cancelled. Its tasks keep it alive.
///
/// Threads: Start() may run on another thread than the one that made it; what follows comes from
/// the scheduler.
class RowsRequest : public std::enable_shared_from_this<RowsRequest> {
 public:
  virtual ~RowsRequest() = default;
  RowsRequest(const RowsRequest&) = delete;
  RowsRequest& operator=(const RowsRequest&) = delete;

  /// Prepares and queues the rows. Ends the request itself when that fails, or nothing is left to
  /// compute.
  void Start();
  /// Ends the request instead of starting it, and counts its rows as dropped.
  void Reject(DropReason reason, const absl::Status& status);
  /// Answers the request, with its rows when `status` is OK. Only the first call has an effect.
  void End(const absl::Status& status);

 protected:
  template <typename Base, typename Request>
  class Task;

  /// How a batch went.
  struct BatchRun {
    absl::Status status;
    absl::Time start;
    absl::Duration compute;
  };

  RowsRequest(std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call, uint64_t group,
              size_t rows, Clock* clock);

  const LoadedModel& model() const { return *model_; }
  const Call& call() const { return *call_; }
  uint64_t group() const { return group_; }
  Clock* clock() const { return clock_; }
  int64_t num_rows() const { return num_rows_; }
  absl::Time queued() const { return queued_; }
  bool ended() const { return ended_.load(std::memory_order_relaxed); }

  // Of Prepare().
  /// An error when nobody waits any more: asked before each row's work.
  absl::Status CheckStillWanted() const;
  /// The rows are ready. `converted`: some came as text or files, which took the time since the
  /// request was made.
  void OnPrepared(int64_t input_tokens, bool converted);
  /// So many rows have their results without a task.
  void SkipRows(int64_t rows) { rows_left_ -= rows; }

  // Of the executor.
  /// Changes what Answer() will be told of the time.
  void Record(absl::FunctionRef<void(CallTiming& timing)> record);
  /// So many more rows are done, or failed.
  void EndRows(int64_t rows, const absl::Status& status);
  /// A batch ran of tasks of class `TaskType`, which have their results: tells each request, once,
  /// of all of its rows in it.
  template <typename TaskType>
  static void EndBatch(const std::vector<std::unique_ptr<BatchTask>>& batch, const BatchRun& run);

 private:
  /// Makes of the inputs what the model reads, and checks it.
  virtual absl::Status Prepare() = 0;
  /// Tasks of the rows that were not skipped; at least one.
  virtual std::vector<std::unique_ptr<BatchTask>> MakeTasks() = 0;
  /// Calls back; once. After an error tasks may still wait, or be in a batch that was formed: what
  /// they read stays.
  virtual void Answer(const absl::Status& status, const CallTiming& timing) = 0;

  void EndRowsInBatch(const BatchRun& run);

  const std::shared_ptr<LoadedModel> model_;
  const std::shared_ptr<Call> call_;
  const uint64_t group_;
  const int64_t num_rows_;
  Clock* const clock_;
  const absl::Time created_;
  std::atomic<bool> ended_{false};

  // Written before the tasks are queued, then by the executor alone; the scheduler's lock is
  // between.
  absl::Time queued_;
  int64_t rows_left_;
  int64_t rows_in_batch_ = 0;  // of the batch that is about to be answered

  Mutex mutex_;
  CallTiming timing_ ABSL_GUARDED_BY(mutex_);
};

/// A row, or a part of one, of a `Request` in the queue. `Base` is BatchTask, or what the model's
/// queue asks for beyond it.
template <typename Base, typename Request>
class RowsRequest::Task : public Base {
 public:
  int64_t cost() const final { return cost_; }
  uint64_t group() const final { return request_->group(); }
  uint64_t client() const final { return request_->call_->client; }
  absl::Time deadline() const final { return request_->call_->deadline; }
  bool cancelled() const final {
    return request_->call_->cancelled.load(std::memory_order_relaxed) || request_->ended();
  }
  void Drop(const absl::Status& reason) final { request_->End(reason); }

  Request& request() const { return *request_; }
  /// Which of the request's.
  size_t number() const { return number_; }

 protected:
  Task(Request& request, size_t number, int64_t cost)
      : request_(std::static_pointer_cast<Request>(request.shared_from_this())),
        number_(number),
        cost_(cost) {}

 private:
  const std::shared_ptr<Request> request_;
  const size_t number_;
  const int64_t cost_;
};

template <typename TaskType>
void RowsRequest::EndBatch(const std::vector<std::unique_ptr<BatchTask>>& batch,
                           const BatchRun& run) {
  const auto request_of = [](const std::unique_ptr<BatchTask>& task) -> RowsRequest& {
    return static_cast<const TaskType&>(*task).request();
  };
  for (const std::unique_ptr<BatchTask>& task : batch) ++request_of(task).rows_in_batch_;
  for (const std::unique_ptr<BatchTask>& task : batch) request_of(task).EndRowsInBatch(run);
}

}  // namespace attentiond
