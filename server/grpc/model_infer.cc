// server/grpc/model_infer.cc -- the steps that inference has for every kind of model.
#include "server/grpc/model_infer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/engine/image_classifier.h"
#include "core/engine/text_generator.h"
#include "server/grpc/infer_operation.h"
#include "server/grpc/infer_parameters.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

constexpr size_t kMaxIdBytes = 1024;

/// An inference under way; owned by the callback that ends it.
class InferRun : public std::enable_shared_from_this<InferRun> {
 public:
  InferRun(const ServiceEnvironment& environment, std::shared_ptr<Call> call,
           const InferMessages& messages, std::function<void(const InferOutcome&)> done)
      : environment_(environment),
        call_(std::move(call)),
        messages_(messages),
        done_(std::move(done)) {}

  void Start() {
    const absl::Time start = environment_.clock->Now();
    if (absl::Status status = Prepare(); !status.ok()) return End(std::move(status));
    outcome_.usage.rows = operation_->rows();
    outcome_.usage.convert_input = environment_.clock->Now() - start;
    operation_->Run(environment_.inference, outcome_.model, call_,
                    [self = shared_from_this()](absl::Status status, const CallTiming& timing,
                                                absl::Duration convert_output) {
                      self->outcome_.usage.timing = timing;
                      self->outcome_.usage.convert_output = convert_output;
                      self->End(std::move(status));
                    });
  }

 private:
  absl::Status Prepare() {
    const inference::ModelInferRequest& request = *messages_.request;
    if (request.id().size() > kMaxIdBytes) {
      return FieldError("id", absl::StrCat("has ", request.id().size(), " bytes; at most ",
                                           kMaxIdBytes, " are allowed"));
    }
    ASSIGN_OR_RETURN(outcome_.model,
                     environment_.repository->Get(request.model_name(), request.model_version()));
    InferParameters parameters(request.parameters());
    RETURN_IF_ERROR(ReadCommonParameters(parameters));
    const Model* const model = outcome_.model->model.get();
    const TextEncoder* const encoder = model == nullptr ? nullptr : model->AsTextEncoder();
    const ImageClassifier* const images = model == nullptr ? nullptr : model->AsImageClassifier();
    const TextGenerator* const generator = model == nullptr ? nullptr : model->AsTextGenerator();
    ASSIGN_OR_RETURN(
        operation_, MakeInferOperation(
                        {.request = request,
                         .info = model == nullptr ? nullptr : &model->info(),
                         .has_tokenizer = (encoder != nullptr && encoder->tokenizer() != nullptr) ||
                                          (generator != nullptr &&
                                           generator->translation_tokenizer() != nullptr),
                         .has_image_processor =
                             (images != nullptr && images->image_processor() != nullptr) ||
                             (generator != nullptr && generator->image_processor() != nullptr),
                         .generator = generator,
                         .parameters = parameters,
                         .limits = environment_.limits,
                         .clock = environment_.clock,
                         .ticket = messages_.ticket,
                         .response = messages_.response}));
    return absl::OkStatus();
  }

  absl::Status ReadCommonParameters(InferParameters& parameters) {
    int64_t priority = 0;
    RETURN_IF_ERROR(parameters.Read("priority", &priority));
    int64_t timeout_us = 0;
    RETURN_IF_ERROR(parameters.Read("timeout", &timeout_us));
    for (const auto& [name, value] : {std::pair("priority", priority), {"timeout", timeout_us}}) {
      if (value < 0) {
        return FieldError(absl::StrCat("parameters.", name),
                          absl::StrCat("is ", value, "; required is at least 0"));
      }
    }
    if (timeout_us > 0) {
      call_->deadline = std::min(call_->deadline, call_->arrival + absl::Microseconds(timeout_us));
    }
    return absl::OkStatus();
  }

  void End(absl::Status status) {
    inference::ModelInferResponse& response = *messages_.response;
    if (!status.ok()) response.Clear();
    response.set_id(messages_.request->id());
    response.set_model_name(messages_.request->model_name());
    response.set_model_version(outcome_.model == nullptr ? messages_.request->model_version()
                                                         : outcome_.model->version);
    outcome_.status = std::move(status);
    done_(outcome_);
  }

  const ServiceEnvironment& environment_;
  const std::shared_ptr<Call> call_;
  const InferMessages messages_;
  const std::function<void(const InferOutcome&)> done_;
  InferOutcome outcome_;
  std::unique_ptr<InferOperation> operation_;
};

}  // namespace

void StartModelInfer(const ServiceEnvironment& environment, std::shared_ptr<Call> call,
                     const InferMessages& messages,
                     std::function<void(const InferOutcome& outcome)> done) {
  std::make_shared<InferRun>(environment, std::move(call), messages, std::move(done))->Start();
}

}  // namespace attentiond
