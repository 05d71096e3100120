// server/inference/image_request.h -- one request of pictures to classify on its way: decoded,
// queued picture by picture, answered when its last one is done.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "core/engine/image_classifier.h"
#include "server/inference/call.h"
#include "server/inference/inference.h"
#include "server/repository/model_repository.h"
#include "server/repository/model_task.h"

namespace attentiond {

/// Its pictures are tasks of their own, all of one group, and may run in different batches. The
/// first that fails ends the request; what is left of it is then dropped as cancelled.
///
/// Threads: Start() may run on another thread than the one that made it; what follows comes from
/// the scheduler.
class ImageRequest : public std::enable_shared_from_this<ImageRequest> {
 public:
  struct Work {
    std::shared_ptr<LoadedModel> model;  ///< an image classifier; with a processor if one is a file
    std::shared_ptr<Call> call;
    std::vector<ImageInput> inputs;  ///< at least one
    ImageLimits limits;
    uint64_t group = 0;
    ImageCallback done;
  };

  ImageRequest(Work work, Clock* clock);

  /// Decodes and queues the pictures. Ends the request itself when that fails.
  void Start();
  /// Ends the request instead of starting it, and counts its pictures as dropped.
  void Reject(DropReason reason, const absl::Status& status);
  /// Answers the request, with its logits when `status` is OK. Only the first call has an effect.
  void End(const absl::Status& status);

 private:
  class RowTask;

  absl::Status ReadPixels();
  absl::Status QueueRows();
  // After a batch with `rows` of its pictures.
  void EndRows(int64_t rows, const absl::Status& status, absl::Time start, absl::Duration compute);

  static BatchCompletion RunBatch(std::vector<std::unique_ptr<BatchTask>> batch,
                                  ExecutionContext& context);

  const std::shared_ptr<LoadedModel> model_;
  const ImageClassifier& classifier_;
  const std::shared_ptr<Call> call_;
  const ImageLimits limits_;
  const uint64_t group_;
  Clock* const clock_;
  const absl::Time created_;
  std::atomic<bool> ended_{false};

  // Written before the rows are queued, then by the executor alone; the scheduler's lock is
  // between.
  std::vector<ImageInput> inputs_;  // what they point to is the transport's, and gone once it was
                                    // answered, which a row may survive
  std::vector<std::vector<float>> pixels_;  // by row
  std::vector<std::vector<float>> logits_;  // by row
  absl::Time queued_;
  int64_t rows_in_batch_ = 0;  // of the batch that is about to be answered

  Mutex mutex_;
  ImageCallback done_ ABSL_GUARDED_BY(mutex_);
  int64_t rows_left_ ABSL_GUARDED_BY(mutex_);
  CallTiming timing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace attentiond
