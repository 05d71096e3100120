// server/inference/encode_request.h -- one request of text rows on its way: tokenized, queued row
// by row, answered when its last row is done.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "core/base/clock.h"
#include "core/engine/model.h"
#include "server/inference/call.h"
#include "server/inference/inference.h"
#include "server/inference/rows_request.h"
#include "server/repository/model_repository.h"
#include "server/repository/model_task.h"

namespace attentiond {

/// Rows that are the same and in flight at the same time, of whatever requests, are computed once.
/// Threads: as RowsRequest's.
class EncodeRequest final : public RowsRequest {
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

 private:
  class RowTask;

  absl::Status Prepare() override;
  absl::Status PrepareRow(size_t row);
  // Takes from the cache what it has.
  void SkipCachedRows();
  std::vector<std::unique_ptr<BatchTask>> MakeTasks() override;
  void Answer(const absl::Status& status, const CallTiming& timing) override;
  EncoderRow RowAt(size_t row) const;

  static BatchCompletion RunBatch(std::vector<std::unique_ptr<BatchTask>> batch,
                                  ExecutionContext& context);

  const TextEncoder& encoder_;
  const EncodeOptionsForRows options_;

  // Written before the rows are queued, then by the executor alone; the scheduler's lock is
  // between.
  std::vector<EncodeInput> inputs_;  // the texts are the transport's, and gone once it was answered
  std::vector<EncodedRow> rows_;
  std::vector<RowKey> keys_;  // by row
  std::vector<bool> cached_;  // by row; empty without a cache
  EncodeCallback done_;       // Answer()'s
};

}  // namespace attentiond
