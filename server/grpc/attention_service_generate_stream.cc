// server/grpc/attention_service_generate_stream.cc -- TranslateStream and CaptionStream.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "server/grpc/attention_service_conversion.h"
#include "server/grpc/attention_service_models.h"
#include "server/grpc/attention_service_streams.h"
#include "server/grpc/generation_conversion.h"
#include "server/grpc/message_codec.h"
#include "server/grpc/update_stream.h"

namespace attentiond {
namespace {

/// A request in progress; turns what is written into updates. Lives in the callbacks of the work.
template <typename Request, typename Response, typename Update>
class StreamedGeneration final : public GenerateObserver {
 public:
  explicit StreamedGeneration(UpdateStream* stream) : stream_(*stream) {}

  absl::Status Start(const std::shared_ptr<StreamedGeneration>& self, const ModelNeed& need,
                     absl::string_view field) {
    RETURN_IF_ERROR(
        FindModel(stream_.environment(), need, request.model(), request.model_version(), &model_));
    stream_.SetModel(model_);
    ASSIGN_OR_RETURN(std::vector<GenerateInput> inputs, ToGenerateInputs(request));
    ASSIGN_OR_RETURN(GenerateOptions options, ToGenerateOptions(request, Defaults()));
    stream_.environment().inference->Generate(
        model_, stream_.call(), std::move(inputs), std::move(options), self,
        [self, field](const absl::Status& status, const std::vector<GeneratedRow>& rows,
                      const CallTiming& timing) {
          self->End(InElements(field, status), static_cast<int64_t>(rows.size()), timing);
        });
    return absl::OkStatus();
  }

  /// The model that the request names, also when it does not fit.
  const std::shared_ptr<LoadedModel>& model() const { return model_; }

  void OnText(size_t row, const std::string& text) override {
    Update update;
    update.set_index(static_cast<int32_t>(row));
    update.set_text(text);
    Send(update);
  }

  void OnRow(size_t row, const GeneratedRow& result) override {
    Update update;
    update.set_index(static_cast<int32_t>(row));
    SetResult(Defaults(), result, update.mutable_result());
    Send(update);
  }

  Request request;

 private:
  GenerationDefaults Defaults() const {
    return {model_->model->info(), *model_->model->AsTextGenerator(), stream_.environment().limits};
  }

  void End(const absl::Status& status, int64_t rows, const CallTiming& timing) {
    if (status.ok()) {
      Update update;
      Response* const summary = update.mutable_summary();
      summary->set_model_version(model_->version);
      summary->set_input_tokens(timing.input_tokens);
      summary->set_output_tokens(timing.output_tokens);
      SetTiming(timing, summary->mutable_timing());
      Send(update);
    }
    InferenceUsage usage;
    usage.rows = rows;
    usage.timing = timing;
    stream_.SetUsage(usage);
    stream_.End(status.ok() ? failed_ : status);
  }

  void Send(const Update& update) {
    grpc::ByteBuffer bytes;
    const absl::Status status =
        SerializeMessage(update, stream_.environment().limits.max_message_bytes, &bytes);
    if (status.ok()) return stream_.Send(std::move(bytes));
    if (failed_.ok()) failed_ = status;
  }

  UpdateStream& stream_;
  std::shared_ptr<LoadedModel> model_;
  absl::Status failed_;  // of a message
};

template <typename Generation>
grpc::ServerWriteReactor<grpc::ByteBuffer>* Run(const ServiceEnvironment& environment,
                                                grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                absl::string_view method, const ModelNeed& need,
                                                absl::string_view field) {
  auto* const stream = new UpdateStream(environment, context, method);
  auto generation = std::make_shared<Generation>(stream);
  absl::Status status = stream->Admit(request->Length());
  if (status.ok()) {
    grpc::ByteBuffer bytes = *request;
    status = ParseMessage(&bytes, environment.limits.max_rows, &generation->request);
  }
  if (status.ok()) status = generation->Start(generation, need, field);
  if (!status.ok()) {
    stream->SetModel(generation->model());
    stream->End(status);
  }
  return stream;
}

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* StartTranslateStream(
    const ServiceEnvironment& environment, grpc::CallbackServerContext* context,
    const grpc::ByteBuffer* request) {
  return Run<StreamedGeneration<v1::TranslateRequest, v1::TranslateResponse, v1::TranslateUpdate>>(
      environment, context, request, "TranslateStream", kTranslateNeed, "texts");
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* StartCaptionStream(
    const ServiceEnvironment& environment, grpc::CallbackServerContext* context,
    const grpc::ByteBuffer* request) {
  return Run<StreamedGeneration<v1::CaptionRequest, v1::CaptionResponse, v1::CaptionUpdate>>(
      environment, context, request, "CaptionStream", kCaptionNeed, "images");
}

}  // namespace attentiond
