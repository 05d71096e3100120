// server/inference/image_request.cc -- pictures through decoder, queue and model.
#include "server/inference/image_request.h"

#include <algorithm>
#include <utility>

#include "core/base/status_macros.h"
#include "server/inference/call_checks.h"
#include "server/inference/row_checks.h"

namespace attentiond {

class ImageRequest::RowTask final : public ModelTask {
 public:
  RowTask(std::shared_ptr<ImageRequest> request, size_t row)
      : request_(std::move(request)), row_(row) {}

  int64_t cost() const override { return request_->model_->model->info().max_length; }
  uint64_t group() const override { return request_->group_; }
  uint64_t client() const override { return request_->call_->client; }
  absl::Time deadline() const override { return request_->call_->deadline; }
  bool cancelled() const override {
    return request_->call_->cancelled.load(std::memory_order_relaxed) ||
           request_->ended_.load(std::memory_order_relaxed);
  }
  void Drop(const absl::Status& reason) override { request_->End(reason); }
  RunFunction run_function() const override { return &ImageRequest::RunBatch; }

  ImageRequest& request() const { return *request_; }
  size_t row() const { return row_; }
  const float* pixels() const { return request_->pixels_[row_].data(); }

 private:
  const std::shared_ptr<ImageRequest> request_;
  const size_t row_;
};

ImageRequest::ImageRequest(Work work, Clock* clock)
    : model_(std::move(work.model)),
      classifier_(*model_->model->AsImageClassifier()),
      call_(std::move(work.call)),
      limits_(work.limits),
      group_(work.group),
      clock_(clock),
      created_(clock->Now()),
      inputs_(std::move(work.inputs)),
      pixels_(inputs_.size()),
      logits_(inputs_.size()),
      done_(std::move(work.done)),
      rows_left_(static_cast<int64_t>(inputs_.size())) {}

void ImageRequest::Start() {
  absl::Status status = ReadPixels();
  if (status.ok()) status = QueueRows();
  if (!status.ok()) End(status);
}

void ImageRequest::Reject(DropReason reason, const absl::Status& status) {
  model_->metrics->OnDropped(reason, static_cast<int64_t>(inputs_.size()));
  End(status);
}

absl::Status ImageRequest::ReadPixels() {
  bool decoded = false;
  const auto rows = static_cast<int64_t>(inputs_.size());
  const ModelInfo& info = model_->model->info();
  for (size_t row = 0; row < inputs_.size(); ++row) {
    RETURN_IF_ERROR(CheckWanted(*call_, *model_, rows, clock_->Now()));
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
  const absl::Duration elapsed = clock_->Now() - created_;
  if (decoded) model_->metrics->ObserveTokenize(elapsed);
  MutexLock lock(&mutex_);
  if (decoded) timing_.tokenize = elapsed;
  timing_.input_tokens = rows * info.max_length;
  return absl::OkStatus();
}

absl::Status ImageRequest::QueueRows() {
  std::vector<std::unique_ptr<BatchTask>> tasks;
  tasks.reserve(inputs_.size());
  queued_ = clock_->Now();
  for (size_t row = 0; row < inputs_.size(); ++row) {
    tasks.push_back(std::make_unique<RowTask>(shared_from_this(), row));
  }
  return model_->queue->Schedule(&tasks);
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
  Clock* const clock = first.clock_;
  const absl::Time start = clock->Now();
  std::vector<std::vector<float>> logits;
  const absl::Status status = first.classifier_.Run(pixels, context, &logits);
  const absl::Duration compute = clock->Now() - start;
  first.model_->statistics->RecordExecution();
  first.model_->metrics->AddTokens("input", tokens);

  return [batch = std::move(batch), logits = std::move(logits), status, start, compute]() mutable {
    std::vector<std::shared_ptr<ImageRequest>> requests;  // each once
    for (size_t i = 0; i < batch.size(); ++i) {
      const auto& task = static_cast<const RowTask&>(*batch[i]);
      ImageRequest& request = task.request();
      if (status.ok()) request.logits_[task.row()] = std::move(logits[i]);
      if (request.rows_in_batch_++ == 0) requests.push_back(request.shared_from_this());
    }
    for (const std::shared_ptr<ImageRequest>& request : requests) {
      request->EndRows(std::exchange(request->rows_in_batch_, 0), status, start, compute);
    }
  };
}

void ImageRequest::EndRows(int64_t rows, const absl::Status& status, absl::Time start,
                           absl::Duration compute) {
  {
    MutexLock lock(&mutex_);
    timing_.queue = std::max(timing_.queue, start - queued_);
    timing_.compute += compute;
    ++timing_.batches;
    rows_left_ -= rows;
    if (status.ok() && rows_left_ > 0) return;
  }
  End(status);
}

void ImageRequest::End(const absl::Status& status) {
  ImageCallback done;
  CallTiming timing;
  {
    MutexLock lock(&mutex_);
    done = std::exchange(done_, nullptr);
    timing = timing_;
  }
  if (done == nullptr) return;
  ended_.store(true, std::memory_order_relaxed);
  // After an error pictures may still wait, or be in a batch that was formed: they stay readable.
  done(status, status.ok() ? std::move(logits_) : std::vector<std::vector<float>>(), timing);
}

}  // namespace attentiond
