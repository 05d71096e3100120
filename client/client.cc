#include "client/client.h"

#include <utility>

#include "client/status.h"

namespace attentiond::client {

using v1::AttentionService;

namespace {

template <typename Update>
absl::Status ReadAll(grpc::ClientReader<Update>* reader,
                     const std::function<void(const Update&)>& receive) {
  for (Update update; reader->Read(&update); update.Clear()) receive(update);
  return FromGrpc(reader->Finish());
}

}  // namespace

Client::Client(const std::shared_ptr<grpc::Channel>& channel, UnaryCaller::Options options)
    : caller_(std::move(options)), stub_(AttentionService::NewStub(channel)) {}

absl::StatusOr<v1::AttendResponse> Client::Attend(const v1::AttendRequest& request,
                                                  const CallOptions& options) {
  return caller_.Call(stub_.get(), &AttentionService::Stub::Attend, request, options);
}

absl::StatusOr<v1::ClassifyResponse> Client::Classify(const v1::ClassifyRequest& request,
                                                      const CallOptions& options) {
  return caller_.Call(stub_.get(), &AttentionService::Stub::Classify, request, options);
}

absl::StatusOr<v1::EmbedResponse> Client::Embed(const v1::EmbedRequest& request,
                                                const CallOptions& options) {
  return caller_.Call(stub_.get(), &AttentionService::Stub::Embed, request, options);
}

absl::StatusOr<v1::ExplainResponse> Client::Explain(const v1::ExplainRequest& request,
                                                    const CallOptions& options) {
  return caller_.Call(stub_.get(), &AttentionService::Stub::Explain, request, options);
}

absl::StatusOr<v1::TranslateResponse> Client::Translate(const v1::TranslateRequest& request,
                                                        const CallOptions& options) {
  return caller_.Call(stub_.get(), &AttentionService::Stub::Translate, request, options);
}

absl::StatusOr<v1::CaptionResponse> Client::Caption(const v1::CaptionRequest& request,
                                                    const CallOptions& options) {
  return caller_.Call(stub_.get(), &AttentionService::Stub::Caption, request, options);
}

absl::Status Client::TranslateStream(
    const v1::TranslateRequest& request, const CallOptions& options,
    const std::function<void(const v1::TranslateUpdate&)>& receive) {
  grpc::ClientContext context;
  caller_.Prepare(&context, options.timeout, options.wait_for_ready);
  return ReadAll(stub_->TranslateStream(&context, request).get(), receive);
}

absl::Status Client::CaptionStream(const v1::CaptionRequest& request, const CallOptions& options,
                                   const std::function<void(const v1::CaptionUpdate&)>& receive) {
  grpc::ClientContext context;
  caller_.Prepare(&context, options.timeout, options.wait_for_ready);
  return ReadAll(stub_->CaptionStream(&context, request).get(), receive);
}

absl::StatusOr<v1::TokenizeResponse> Client::Tokenize(const v1::TokenizeRequest& request,
                                                      const CallOptions& options) {
  return caller_.Call(stub_.get(), &AttentionService::Stub::Tokenize, request, options);
}

absl::StatusOr<v1::ListModelsResponse> Client::ListModels(const v1::ListModelsRequest& request,
                                                          const CallOptions& options) {
  return caller_.Call(stub_.get(), &AttentionService::Stub::ListModels, request, options);
}

}  // namespace attentiond::client
