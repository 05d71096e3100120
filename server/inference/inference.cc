// server/inference/inference.cc -- the operations: check, then queue or tokenize.
#include "server/inference/inference.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/engine/text_generator.h"
#include "server/inference/call_checks.h"
#include "server/inference/call_task.h"
#include "server/inference/encode_request.h"
#include "server/inference/generate_request.h"
#include "server/inference/image_request.h"
#include "server/inference/row_checks.h"
#include "server/inference/tokenize_request.h"
#include "server/inference/worker_pool.h"

namespace attentiond {
namespace {

// Tokenizing so much takes a fraction of a millisecond, less than a handover to another thread is
// worth on a busy machine.
constexpr int64_t kMaxInlineTextBytes = 4096;
// The same of copying pixel values.
constexpr int64_t kMaxInlinePixelBytes = 4 << 20;

absl::Status WrongTask(const LoadedModel& model, absl::string_view what) {
  return absl::FailedPreconditionError(absl::StrCat("model \"", model.name, "\" ", what));
}

absl::Status CheckEncoderInputs(const LoadedModel& model, const std::vector<EncodeInput>& inputs,
                                const Inference::Options& limits) {
  const TextEncoder* const encoder =
      model.model == nullptr ? nullptr : model.model->AsTextEncoder();
  if (encoder == nullptr) return WrongTask(model, "is no text encoder");
  return CheckRows(inputs, encoder->tokenizer(), limits);
}

bool HasFiles(const std::vector<ImageInput>& inputs) {
  return std::any_of(inputs.begin(), inputs.end(),
                     [](const ImageInput& input) { return input.pixels.empty(); });
}

absl::Status CheckImageInputs(const LoadedModel& model, const std::vector<ImageInput>& inputs,
                              const Inference::Options& limits) {
  const ImageClassifier* const classifier =
      model.model == nullptr ? nullptr : model.model->AsImageClassifier();
  if (classifier == nullptr) return WrongTask(model, "is no image classifier");
  if (classifier->image_processor() == nullptr && HasFiles(inputs)) {
    return absl::FailedPreconditionError(
        "the model has no preprocessor_config.json: it takes pixel_values, not image");
  }
  return CheckRowCount(inputs.size(), limits);
}

bool HasFiles(const std::vector<GenerateInput>& inputs) {
  return std::any_of(inputs.begin(), inputs.end(), [](const GenerateInput& input) {
    return !input.image.file.empty() && input.image.pixels.empty();
  });
}

int64_t TextBytes(const std::vector<GenerateInput>& inputs) {
  int64_t bytes = 0;
  for (const GenerateInput& input : inputs) bytes += static_cast<int64_t>(input.text.size());
  return bytes;
}

absl::Status CheckGenerateInputs(const LoadedModel& model, const std::vector<GenerateInput>& inputs,
                                 const Inference::Options& limits) {
  const TextGenerator* const generator =
      model.model == nullptr ? nullptr : model.model->AsTextGenerator();
  if (generator == nullptr) return WrongTask(model, "does not write text");
  const bool is_text = model.model->info().kind == ModelKind::kTranslation;
  if (is_text && generator->translation_tokenizer() == nullptr) {
    return WrongTask(model, "has no tokenizer");
  }
  RETURN_IF_ERROR(CheckRowCount(inputs.size(), limits));
  for (size_t row = 0; row < inputs.size(); ++row) {
    const auto bytes = static_cast<int64_t>(inputs[row].text.size());
    if (bytes <= limits.max_text_bytes) continue;
    return InRow(row,
                 absl::InvalidArgumentError(absl::StrCat("the text has ", bytes, " bytes, at most ",
                                                         limits.max_text_bytes, " are allowed")));
  }
  return absl::OkStatus();
}

absl::Status CheckLayerCall(const AttentionLayerCall& request) {
  if (request.batch < 0 || request.query_length < 0 || request.kv_length < 0) {
    return absl::InvalidArgumentError(absl::StrCat("batch ", request.batch, ", query length ",
                                                   request.query_length, " and key length ",
                                                   request.kv_length, " must not be negative"));
  }
  if (request.key == nullptr && request.value != nullptr) {
    return absl::InvalidArgumentError("value: given without key");
  }
  if (request.kv_lengths.empty()) return absl::OkStatus();
  if (static_cast<int64_t>(request.kv_lengths.size()) != request.batch) {
    return absl::InvalidArgumentError(absl::StrCat("kv_lengths: ", request.kv_lengths.size(),
                                                   " values for a batch of ", request.batch));
  }
  for (const int64_t length : request.kv_lengths) {
    if (length < 0 || length > request.kv_length) {
      return absl::InvalidArgumentError(
          absl::StrCat("kv_lengths: ", length, ", must be in [0, ", request.kv_length, "]"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

class Inference::Impl {
 public:
  Impl(Clock* injected_clock, const Options& given_options)
      : clock(injected_clock),
        options(given_options),
        tokenizers_(std::max(1, options.tokenizer_threads), options.max_waiting_tokenizations),
        decoders_(std::max(1, options.image_threads), options.max_waiting_images) {}
  ~Impl() { stopping_.store(true, std::memory_order_relaxed); }

  uint64_t NextGroup() { return next_group_.fetch_add(1, std::memory_order_relaxed); }
  // Queues one task for a whole call.
  void Queue(CallTask::Work work);
  // Calls request->Start() on a thread of the pool, or request->Reject() when there is no place.
  template <typename Request>
  void StartOnTokenizerThread(std::shared_ptr<Request> request) {
    StartOn(&tokenizers_, options.max_waiting_tokenizations, "requests wait to be tokenized",
            std::move(request));
  }
  template <typename Request>
  void StartOnDecoderThread(std::shared_ptr<Request> request) {
    StartOn(&decoders_, options.max_waiting_images,
            "requests wait for their pictures to be decoded", std::move(request));
  }

  Clock* const clock;
  const Options options;

 private:
  template <typename Request>
  void StartOn(WorkerPool* pool, int64_t max_waiting, absl::string_view what,
               std::shared_ptr<Request> request);

  std::atomic<uint64_t> next_group_{0};
  std::atomic<bool> stopping_{false};
  WorkerPool tokenizers_;  // last, as the next: their jobs use the rest
  WorkerPool decoders_;
};

void Inference::Impl::Queue(CallTask::Work work) {
  // Held here: once the task is queued, another thread may end it and drop its reference.
  const std::shared_ptr<LoadedModel> model = work.model;
  const absl::Status wanted = CheckWanted(*work.call, *model, 1, clock->Now());
  work.group = NextGroup();
  std::vector<std::unique_ptr<BatchTask>> tasks;
  tasks.push_back(std::make_unique<CallTask>(std::move(work), clock));
  const absl::Status queued = wanted.ok() ? model->queue->Schedule(&tasks) : wanted;
  if (!queued.ok()) tasks[0]->Drop(queued);
}

template <typename Request>
void Inference::Impl::StartOn(WorkerPool* pool, int64_t max_waiting, absl::string_view what,
                              std::shared_ptr<Request> request) {
  const bool submitted = pool->TrySubmit([this, request] {
    if (stopping_.load(std::memory_order_relaxed)) {
      request->Reject(DropReason::kShutDown, absl::UnavailableError("the server is shutting down"));
    } else {
      request->Start();
    }
  });
  if (!submitted) {
    request->Reject(DropReason::kQueueFull,
                    absl::ResourceExhaustedError(absl::StrCat(max_waiting, " ", what)));
  }
}

Inference::Inference(ModelRepository* /*repository*/, Clock* clock, const Options& options)
    : impl_(std::make_unique<Impl>(clock, options)) {}

Inference::~Inference() = default;

void Inference::Attend(std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
                       AttendRequest request, DoneCallback done) {
  if (!model->is_builtin_attention()) {
    return done(WrongTask(*model, "does not take raw attention"), CallTiming());
  }
  CallTask::Work work;
  work.model = std::move(model);
  work.call = std::move(call);
  work.tokens = request.tokens;
  work.compute = [args = std::move(request.args), outputs = std::move(request.outputs)](
                     ExecutionContext& context) { return Attention(args, outputs, context); };
  work.done = std::move(done);
  impl_->Queue(std::move(work));
}

void Inference::RunAttentionLayer(std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
                                  AttentionLayerCall request, DoneCallback done) {
  const AttentionLayer* const layer =
      model->model == nullptr ? nullptr : model->model->AsAttentionLayer();
  const absl::Status status =
      layer == nullptr ? WrongTask(*model, "is no attention layer") : CheckLayerCall(request);
  if (!status.ok()) return done(status, CallTiming());
  CallTask::Work work;
  work.model = std::move(model);
  work.call = std::move(call);
  work.tokens = request.batch * std::max(request.query_length, request.kv_length);
  work.compute = [layer, request](ExecutionContext& context) {
    return layer->Run(request, context);
  };
  work.done = std::move(done);
  impl_->Queue(std::move(work));
}

void Inference::Tokenize(std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
                         std::vector<EncodeInput> inputs, EncodeOptions options,
                         TokenizeCallback done) {
  const absl::Status status = CheckEncoderInputs(*model, inputs, impl_->options);
  if (!status.ok() || inputs.empty()) return done(status, {}, CallTiming());
  impl_->StartOnTokenizerThread(std::make_shared<TokenizeRequest>(
      TokenizeRequest::Work{std::move(model), std::move(call), std::move(inputs), options,
                            std::move(done)},
      impl_->clock));
}

void Inference::Generate(std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
                         std::vector<GenerateInput> inputs, GenerateOptions options,
                         std::shared_ptr<GenerateObserver> observer, GenerateCallback done) {
  const absl::Status status = CheckGenerateInputs(*model, inputs, impl_->options);
  if (!status.ok() || inputs.empty()) return done(status, {}, CallTiming());
  // As in Encode: each row is at least one task.
  const absl::Status room =
      model->queue->CheckRoom(static_cast<int64_t>(inputs.size()), call->deadline);
  if (!room.ok()) return done(room, {}, CallTiming());
  const int64_t text_bytes = TextBytes(inputs);
  const bool has_files = HasFiles(inputs);
  auto request = std::make_shared<GenerateRequest>(
      GenerateRequest::Work{std::move(model), std::move(call), std::move(inputs),
                            std::move(options), impl_->options.images, impl_->NextGroup(),
                            std::move(observer), std::move(done)},
      impl_->clock);
  if (has_files) return impl_->StartOnDecoderThread(std::move(request));
  if (text_bytes <= kMaxInlineTextBytes) return request->Start();
  impl_->StartOnTokenizerThread(std::move(request));
}

void Inference::Encode(std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
                       std::vector<EncodeInput> inputs, EncodeOptionsForRows options,
                       EncodeCallback done) {
  const absl::Status status = CheckEncoderInputs(*model, inputs, impl_->options);
  if (!status.ok() || inputs.empty()) return done(status, {}, CallTiming());
  // A server that is full must spend next to nothing on saying so: no tokenizing. Rows that a cache
  // may have need no place.
  if (!model->cache->enabled()) {
    const absl::Status room =
        model->queue->CheckRoom(static_cast<int64_t>(inputs.size()), call->deadline);
    if (!room.ok()) return done(room, {}, CallTiming());
  }
  const int64_t text_bytes = TextBytes(inputs);
  auto request = std::make_shared<EncodeRequest>(
      EncodeRequest::Work{std::move(model), std::move(call), std::move(inputs), options,
                          impl_->NextGroup(), std::move(done)},
      impl_->clock);
  if (text_bytes <= kMaxInlineTextBytes) return request->Start();
  impl_->StartOnTokenizerThread(std::move(request));
}

void Inference::ClassifyImages(std::shared_ptr<LoadedModel> model, std::shared_ptr<Call> call,
                               std::vector<ImageInput> inputs, ImageCallback done) {
  const absl::Status status = CheckImageInputs(*model, inputs, impl_->options);
  if (!status.ok() || inputs.empty()) return done(status, {}, CallTiming());
  const int64_t bytes = static_cast<int64_t>(inputs.size()) * PixelBytes(model->model->info());
  const bool is_quick = !HasFiles(inputs) && bytes <= kMaxInlinePixelBytes;
  auto request = std::make_shared<ImageRequest>(
      ImageRequest::Work{std::move(model), std::move(call), std::move(inputs),
                         impl_->options.images, impl_->NextGroup(), std::move(done)},
      impl_->clock);
  if (is_quick) return request->Start();
  impl_->StartOnDecoderThread(std::move(request));
}

}  // namespace attentiond
