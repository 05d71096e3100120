// server/generation/generation_task.h -- one input that waits to be, and is, decoded.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/generate/generation.h"
#include "server/batching/batch_task.h"

namespace attentiond {

/// When what happened to a task that ran.
struct GenerationTimes {
  absl::Time joined;       ///< the running batch
  absl::Time first_token;  ///< after its first step; absl::InfiniteFuture() before
  absl::Time last_token;   ///< after its last step
};

/// Waits in a model's step queue. Threads: as BatchTask's; what is called while it runs is called
/// by the executor.
class GenerationTask : public BatchTask {
 public:
  /// What to decode; valid. Constant until TakeInput().
  virtual const GenerationInput& input() const = 0;
  /// Called once, when it joins.
  virtual GenerationInput TakeInput() = 0;
  /// It has this token more. Of tasks without beams alone.
  virtual void OnToken(int32_t token) = 0;
  /// It is done, or its batch failed. Ends it, as Drop() does.
  virtual void Finish(absl::StatusOr<GenerationResult> result, const GenerationTimes& times) = 0;
};

}  // namespace attentiond
