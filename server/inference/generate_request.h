// server/inference/generate_request.h -- one request to a model that writes text on its way: rows
// become tokens or pixels, wait in the model's step queue, are decoded, and become text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/base/clock.h"
#include "core/engine/text_generator.h"
#include "core/text/sentences.h"
#include "core/vision/image_limits.h"
#include "server/generation/generation_task.h"
#include "server/inference/call.h"
#include "server/inference/generate.h"
#include "server/inference/rows_request.h"
#include "server/inference/text_stream.h"
#include "server/repository/model_repository.h"

namespace attentiond {

/// Each row, or each sentence of it, is a task of its own: they join the running batch and leave it
/// one by one. Threads: as RowsRequest's.
class GenerateRequest final : public RowsRequest {
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

  absl::Status Prepare() override;
  absl::Status PrepareRow(size_t row);
  absl::Status PrepareText(size_t row);
  absl::Status PreparePicture(size_t row);
  absl::Status AddTextPart(size_t row, absl::string_view text);
  absl::Status AddPart(size_t row, GenerationInput input);
  // Of a picture all have the same number.
  int64_t SourceTokensOf(const GenerationInput& input) const;
  std::vector<std::unique_ptr<BatchTask>> MakeTasks() override;
  void Answer(const absl::Status& status, const CallTiming& timing) override;

  // Of the executor.
  void OnToken(size_t part, int32_t token);
  void FinishPart(size_t part, GenerationResult result, const GenerationTimes& times);
  // Makes the row's result of those of its parts, and tells it.
  absl::Status FinishRow(size_t row);
  absl::StatusOr<GeneratedRow::Alternative> MakeAlternative(const Row& row, size_t number) const;
  // Tells what can be told of a row, in the order of its sentences.
  void TellRow(size_t row);
  void RecordTimes(const GenerationResult& result, const GenerationTimes& times);

  const TextGenerator& generator_;
  GenerateOptions options_;
  const ImageLimits images_;
  const std::shared_ptr<GenerateObserver> observer_;

  // Written before the parts are queued, then by the executor alone; the scheduler's lock is
  // between.
  std::vector<GenerateInput> inputs_;  // what they point to is gone once it was answered
  std::vector<std::string> texts_;     // that sentences were found in, by row
  std::vector<Row> rows_;
  std::vector<Part> parts_;
  std::vector<GeneratedRow> results_;
  GenerateCallback done_;  // Answer()'s
};

}  // namespace attentiond
