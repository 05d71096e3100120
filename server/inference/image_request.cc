// server/inference/image_request.cc -- pictures through decoder, queue and model.
#include "server/inference/image_request.h"

#include <utility>

#include "core/base/status_macros.h"
#include "server/inference/row_checks.h"

namespace attentiond {

class ImageRequest::RowTask final : public Task<ModelTask, ImageRequest> {
 public:
  RowTask(ImageRequest& request, size_t row)
      : Task(request, row, request.model().model->info().max_length) {}

  RunFunction run_function() const override { return &ImageRequest::RunBatch; }

  const float* pixels() const { return request().pixels_[number()].data(); }
};

ImageRequest::ImageRequest(Work work, Clock* clock)
    : RowsRequest(std::move(work.model), std::move(work.call), work.group, work.inputs.size(),
                  clock),
      classifier_(*model().model->AsImageClassifier()),
      limits_(work.limits),
      inputs_(std::move(work.inputs)),
      pixels_(inputs_.size()),
      logits_(inputs_.size()),
      done_(std::move(work.done)) {}

absl::Status ImageRequest::Prepare() {
  bool decoded = false;
  const ModelInfo& info = model().model->info();
  for (size_t row = 0; row < inputs_.size(); ++row) {
    RETURN_IF_ERROR(CheckStillWanted());
    const ImageInput& input = inputs_[row];
    if (!input.pixels.empty()) {
      pixels_[row].assign(input.pixels.begin(), input.pixels.end());
      continue;
    }
    decoded = true;
    auto pixels = PixelsOf(input.file, *classifier_.image_processor(), info, limits_);
    if (!pixels.ok()) return InRow(row, pixels.status());
    pixels_[row] = *std::move(pixels);
  }
  OnPrepared(num_rows() * info.max_length, decoded);
  return absl::OkStatus();
}

std::vector<std::unique_ptr<BatchTask>> ImageRequest::MakeTasks() {
  std::vector<std::unique_ptr<BatchTask>> tasks;
  tasks.reserve(inputs_.size());
  for (size_t row = 0; row < inputs_.size(); ++row) {
    tasks.push_back(std::make_unique<RowTask>(*this, row));
  }
  return tasks;
}

BatchCompletion ImageRequest::RunBatch(std::vector<std::unique_ptr<BatchTask>> batch,
                                       ExecutionContext& context) {
  std::vector<const float*> pixels;
  pixels.reserve(batch.size());
  int64_t tokens = 0;
  for (const std::unique_ptr<BatchTask>& task : batch) {
    pixels.push_back(static_cast<const RowTask&>(*task).pixels());
    tokens += task->cost();
  }
  const ImageRequest& first = static_cast<const RowTask&>(*batch.front()).request();
  Clock* const clock = first.clock();
  const absl::Time start = clock->Now();
  std::vector<std::vector<float>> logits;
  const absl::Status status = first.classifier_.Run(pixels, context, &logits);
  const absl::Duration compute = clock->Now() - start;
  first.model().statistics->RecordExecution();
  first.model().metrics->AddTokens("input", tokens);

  return [batch = std::move(batch), logits = std::move(logits),
          run = BatchRun{status, start, compute}]() mutable {
    for (size_t i = 0; run.status.ok() && i < batch.size(); ++i) {
      const auto& task = static_cast<const RowTask&>(*batch[i]);
      task.request().logits_[task.number()] = std::move(logits[i]);
    }
    EndBatch<RowTask>(batch, run);
  };
}

void ImageRequest::Answer(const absl::Status& status, const CallTiming& timing) {
  std::exchange(done_, nullptr)(
      status, status.ok() ? std::move(logits_) : std::vector<std::vector<float>>(), timing);
}

}  // namespace attentiond
