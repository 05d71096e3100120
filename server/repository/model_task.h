// server/repository/model_task.h -- what waits in the queue of a model: a task that says how to run
// a batch of its kind.
//
// It lets the repository own the queues and the execution context without knowing what operations
// there are.
#pragma once

#include <memory>
#include <vector>

#include "core/ops/execution_context.h"
#include "server/batching/batch_scheduler.h"
#include "server/batching/batch_task.h"

namespace attentiond {

/// All tasks of one queue are of one concrete class.
class ModelTask : public BatchTask {
 public:
  using RunFunction = BatchCompletion (*)(std::vector<std::unique_ptr<BatchTask>> batch,
                                          ExecutionContext& context);

  /// Runs tasks of this class, all of one queue; as BatchRunner, with the executor's context.
  virtual RunFunction run_function() const = 0;
};

}  // namespace attentiond
