// server/inference/generate_request.h -- one request to a model that writes text on its way: rows
// become tokens or pixels, wait in the model's step queue, are decoded, and become text.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "core/engine/text_generator.h"
#include "core/text/sentences.h"
#include "core/vision/image_limits.h"
#include "server/generation/generation_task.h"
#include "server/inference/call.h"
#include "server/inference/generate.h"
#include "server/inference/text_stream.h"
#include "server/repository/model_repository.h"

namespace attentiond {

/// Each row, or each sentence of it, is a task of its own, all of one group: they join the running
/// batch and leave it one by one. The first that fails ends the request; what is left of it is then
/// dropped as cancelled.
///
/// Threads: Start() may run on another thread than the one that made it; what follows comes from
/// the scheduler.
class GenerateRequest : public std::enable_shared_from_this<GenerateRequest> {
 public:
  struct Work {
    std::shared_ptr<LoadedModel> model;  ///< a text generator
    std::shared_ptr<Call> call;
    std::vector<GenerateInput> inputs;  ///< at least one
    GenerateOptions options;
    ImageLimits images;
    uint64_t group = 0;
    std::shared_ptr<GenerateObserver> observer;  ///< may be nullptr
    GenerateCallback done;
  };

  GenerateRequest(Work work, Clock* clock);

  /// Prepares and queues the rows. Ends the request itself when that fails.
  void Start();
  /// Ends the request instead of starting it, and counts its rows as dropped.
  void Reject(DropReason reason, const absl::Status& status);
  /// Answers the request, with its rows when `status` is OK. Only the first call has an effect.
  void End(const absl::Status& status);

 private:
  class PartTask;

  // What is decoded at once: a row, or a sentence of one.
  struct Part {
    size_t row = 0;
    GenerationInput input;
    GenerationResult result;
    TextStream stream;
    std::string text;  // of the best, as far as it is told; of an observed request
    bool done = false;
  };
  struct Row {
    size_t first_part = 0, num_parts = 1;
    std::vector<SentenceSpan> sentences;  // with split_sentences
    int64_t parts_left = 0;
    size_t part_told = 0;  // what is told of the parts before this one is all of their text
  };

  absl::Status PrepareRows();
  absl::Status PrepareRow(size_t row);
  absl::Status PrepareText(size_t row);
  absl::Status PreparePicture(size_t row);
  absl::Status AddTextPart(size_t row, absl::string_view text);
  absl::Status AddPart(size_t row, GenerationInput input);
  // Of a picture all have the same number.
  int64_t SourceTokensOf(const GenerationInput& input) const;
  absl::Status QueueParts();

  // Of the executor.
  void OnToken(size_t part, int32_t token);
  void FinishPart(size_t part, GenerationResult result, const GenerationTimes& times);
  // Makes the row's result of those of its parts, and tells it.
  absl::Status FinishRow(size_t row);
  absl::StatusOr<GeneratedRow::Alternative> MakeAlternative(const Row& row, size_t number) const;
  // Tells what can be told of a row, in the order of its sentences.
  void TellRow(size_t row);
  void RecordTimes(const GenerationResult& result, const GenerationTimes& times);

  const std::shared_ptr<LoadedModel> model_;
  const TextGenerator& generator_;
  const std::shared_ptr<Call> call_;
  GenerateOptions options_;
  const ImageLimits images_;
  const uint64_t group_;
  Clock* const clock_;
  const absl::Time created_;
  const std::shared_ptr<GenerateObserver> observer_;
  std::atomic<bool> ended_{false};

  // Written before the parts are queued, then by the executor alone; the scheduler's lock is
  // between.
  std::vector<GenerateInput> inputs_;  // what they point to is gone once it was answered
  std::vector<std::string> texts_;     // that sentences were found in, by row
  std::vector<Row> rows_;
  std::vector<Part> parts_;
  std::vector<GeneratedRow> results_;
  absl::Time queued_;

  Mutex mutex_;
  GenerateCallback done_ ABSL_GUARDED_BY(mutex_);
  int64_t rows_left_ ABSL_GUARDED_BY(mutex_);
  CallTiming timing_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace attentiond
