#include "client/client.h"

#include <utility>

namespace attentiond::client {

using v1::AttentionService;

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

absl::StatusOr<v1::TokenizeResponse> Client::Tokenize(const v1::TokenizeRequest& request,
                                                      const CallOptions& options) {
  return caller_.Call(stub_.get(), &AttentionService::Stub::Tokenize, request, options);
}

absl::StatusOr<v1::ListModelsResponse> Client::ListModels(const v1::ListModelsRequest& request,
                                                          const CallOptions& options) {
  return caller_.Call(stub_.get(), &AttentionService::Stub::ListModels, request, options);
}

}  // namespace attentiond::client
