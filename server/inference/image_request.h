// server/inference/image_request.h -- one request of pictures to classify on its way: decoded,
// queued picture by picture, answered when its last one is done.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "core/base/clock.h"
#include "core/engine/image_classifier.h"
#include "server/inference/call.h"
#include "server/inference/inference.h"
#include "server/inference/rows_request.h"
#include "server/repository/model_repository.h"
#include "server/repository/model_task.h"

namespace attentiond {

/// Threads: as RowsRequest's.
class ImageRequest final : public RowsRequest {
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

 private:
  class RowTask;

  absl::Status Prepare() override;
  std::vector<std::unique_ptr<BatchTask>> MakeTasks() override;
  void Answer(const absl::Status& status, const CallTiming& timing) override;

  static BatchCompletion RunBatch(std::vector<std::unique_ptr<BatchTask>> batch,
                                  ExecutionContext& context);

  const ImageClassifier& classifier_;
  const ImageLimits limits_;

  // Written before the rows are queued, then by the executor alone; the scheduler's lock is
  // between.
  std::vector<ImageInput> inputs_;  // what they point to is the transport's, and gone once it was
                                    // answered, which a row may survive
  std::vector<std::vector<float>> pixels_;  // by row
  std::vector<std::vector<float>> logits_;  // by row
  ImageCallback done_;                      // Answer()'s
};

}  // namespace attentiond
