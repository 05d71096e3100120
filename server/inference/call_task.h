// server/inference/call_task.h -- a whole call as one task of a queue: raw attention, or an
// attention layer.
//
// Such calls share nothing that batching could merge; a batch of them spares the executor's
// handover and is computed one call after another.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "core/base/clock.h"
#include "core/ops/execution_context.h"
#include "server/inference/call.h"
#include "server/inference/inference.h"
#include "server/repository/model_repository.h"
#include "server/repository/model_task.h"

namespace attentiond {

class CallTask final : public ModelTask {
 public:
  struct Work {
    std::shared_ptr<LoadedModel> model;
    std::shared_ptr<Call> call;
    std::function<absl::Status(ExecutionContext& context)> compute;
    int64_t tokens = 1;
    uint64_t group = 0;
    DoneCallback done;  ///< called once: by Drop(), or when the batch is done
  };

  CallTask(Work work, Clock* clock);

  int64_t cost() const override { return work_.tokens; }
  uint64_t group() const override { return work_.group; }
  uint64_t client() const override { return work_.call->client; }
  absl::Time deadline() const override { return work_.call->deadline; }
  bool cancelled() const override { return work_.call->cancelled.load(std::memory_order_relaxed); }
  void Drop(const absl::Status& reason) override { Finish(reason); }
  RunFunction run_function() const override { return &RunBatch; }

 private:
  static BatchCompletion RunBatch(std::vector<std::unique_ptr<BatchTask>> batch,
                                  ExecutionContext& context);
  absl::Status Compute(ExecutionContext& context);
  void Finish(const absl::Status& status);

  Work work_;
  Clock* const clock_;
  const absl::Time queued_;
  CallTiming timing_;
};

}  // namespace attentiond
