// client/client.h -- attentiond.v1 as a class: one method per RPC, errors as absl::Status.
//
//   ASSIGN_OR_RETURN(auto channel, client::CreateChannel({.address = "localhost:8001"}));
//   client::Client client(channel);
//   attentiond::v1::ClassifyRequest request;
//   request.set_model("sentiment");
//   request.add_inputs()->set_text("I love my cat.");
//   ASSIGN_OR_RETURN(const auto response, client.Classify(request));
#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "attentiond/v1/attention_service.grpc.pb.h"
#include "client/channel.h"
#include "client/unary_caller.h"

namespace attentiond::client {

/// Typed calls of one server. Requests and replies are the messages of attention_service.proto,
/// where each field is described. Every method blocks, at most options.timeout. Threads: any,
/// when options.random may be called from any, as the default may.
/// Errors  the server's codes and messages; kUnavailable: not reachable; kDeadlineExceeded.
class Client {
 public:
  explicit Client(const std::shared_ptr<grpc::Channel>& channel, UnaryCaller::Options options = {});

  absl::StatusOr<v1::AttendResponse> Attend(const v1::AttendRequest& request,
                                            const CallOptions& options = {});
  absl::StatusOr<v1::ClassifyResponse> Classify(const v1::ClassifyRequest& request,
                                                const CallOptions& options = {});
  absl::StatusOr<v1::EmbedResponse> Embed(const v1::EmbedRequest& request,
                                          const CallOptions& options = {});
  absl::StatusOr<v1::ExplainResponse> Explain(const v1::ExplainRequest& request,
                                              const CallOptions& options = {});
  absl::StatusOr<v1::TranslateResponse> Translate(const v1::TranslateRequest& request,
                                                  const CallOptions& options = {});
  absl::StatusOr<v1::CaptionResponse> Caption(const v1::CaptionRequest& request,
                                              const CallOptions& options = {});
  /// Calls `receive` with one update after the other until the stream ends. Is tried once.
  absl::Status TranslateStream(const v1::TranslateRequest& request, const CallOptions& options,
                               const std::function<void(const v1::TranslateUpdate&)>& receive);
  absl::Status CaptionStream(const v1::CaptionRequest& request, const CallOptions& options,
                             const std::function<void(const v1::CaptionUpdate&)>& receive);
  absl::StatusOr<v1::TokenizeResponse> Tokenize(const v1::TokenizeRequest& request,
                                                const CallOptions& options = {});
  absl::StatusOr<v1::ListModelsResponse> ListModels(const v1::ListModelsRequest& request,
                                                    const CallOptions& options = {});

 private:
  UnaryCaller caller_;
  std::unique_ptr<v1::AttentionService::Stub> stub_;
};

}  // namespace attentiond::client
