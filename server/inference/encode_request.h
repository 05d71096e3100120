// server/inference/encode_request.h -- one request of text rows on its way: tokenized, queued row
// by row, answered when its last row is done.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "core/engine/model.h"
#include "server/inference/call.h"
#include "server/inference/inference.h"
#include "server/repository/model_repository.h"
#include "server/repository/model_task.h"

namespace attentiond {

/// Its rows are tasks of their own, all of one group, and may run in different batches. The first
/// row that fails ends the request; what is left of it is then dropped as cancelled. Rows that
/// are the same and in flight at the same time, of whatever requests, are computed once.
///
/// Threads: Start() may run on another thread than the one that made it; what follows comes from
/// the scheduler.
class EncodeRequest : public std::enable_shared_from_this<EncodeRequest> {
 public:
  struct Work {
    std::shared_ptr<LoadedModel> model;  ///< a text encoder; with a tokenizer if a row is a text
    std::shared_ptr<Call> call;
    std::vector<EncodeInput> inputs;  ///< at least one
    EncodeOptionsForRows options;
    uint64_t group = 0;
    EncodeCallback done;
  };

  EncodeRequest(Work work, Clock* clock);

  /// Tokenizes, validates and queues the rows. Ends the request itself when that fails.
  void Start();
  /// Ends the request instead of starting it, and counts its rows as dropped.
  void Reject(DropReason reason, const absl::Status& status);
  /// Answers the request, with its rows when `status` is OK. Only the first call has an effect.
  void End(const absl::Status& status);

 private:
  class RowTask;

  absl::Status PrepareRows();
  absl::Status PrepareRow(size_t row);
  // Takes from the cache what it has; the number of rows it had.
  int64_t TakeCachedRows();
  absl::Status QueueRows();
  EncoderRow RowAt(size_t row) const;
  // After a batch with `rows` of its rows.
  void EndRows(int64_t rows, const absl::Status& status, absl::Time start, absl::Duration compute);

  static BatchCompletion RunBatch(std::vector<std::unique_ptr<BatchTask>> batch,
                                  ExecutionContext& context);

  const std::shared_ptr<LoadedModel> model_;
  const TextEncoder& encoder_;
  const std::shared_ptr<Call> call_;
  const EncodeOptionsForRows options_;
  const uint64_t group_;
  Clock* const clock_;
  const absl::Time created_;
  std::atomic<bool> ended_{false};

  // Written before the rows are queued, then by the executor alone; the scheduler's lock is
  // between.
  std::vector<EncodeInput> inputs_;  // the texts are the transport's, and gone once it was answered
  std::vector<EncodedRow> rows_;
  std::vector<RowKey> keys_;  // by row
  std::vector<bool> cached_;  // by row; empty without a cache
  absl::Time queued_;
  int64_t rows_in_batch_ = 0;  // of the batch that is about to be answered

  Mutex mutex_;
  EncodeCallback done_ ABSL_GUARDED_BY(mutex_);
  int64_t rows_left_ ABSL_GUARDED_BY(mutex_);
  CallTiming timing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace attentiond
