// tests/client/commands/fake_server.h -- attentiond.v1 and health in this process, with answers
// that can be worked out by hand.
#pragma once

#include <grpcpp/server.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "attentiond/v1/attention_service.grpc.pb.h"
#include "core/base/mutex.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace attentiond::client {

/// Listens on a free port of the loopback until it is destroyed. Texts become tokens at spaces,
/// between [CLS] and [SEP]; a word of more than five letters is cut in two ("##" before the rest).
/// Classify: POSITIVE 0.75 when "love" is in the text, else 0.25. Embed: {bytes of the text, 1}.
/// Explain: one map per layer and head asked for; row i looks at token i with 0.5 and at the others
/// alike; a rollout goes up to each layer listed, or layer 1. A word with "love" in it speaks for
/// the label by 0.5 (logit 2), any other against it by 0.125 (logit 0.25); model "embed" turns by
/// 0.25 without any word. Translate: num_return_sequences times (at least once) the text in upper
/// case, with an exclamation mark more each time; of a stream, a word an update. Caption: "a red
/// circle", whose words look at the first, second and fourth quarter of the picture. Attend: the
/// formula in float, without options. A text "fail CODE" fails the call with that code.
class FakeServer final : public v1::AttentionService::Service,
                         public grpc::health::v1::Health::Service {
 public:
  FakeServer();
  ~FakeServer() override;

  std::string address() const;

  /// Fails the next `count` calls of any method with `status`.
  void FailNext(int count, const grpc::Status& status);
  /// Adds `error` to every number that Attend computes.
  void SetAttendError(float error);
  /// What Health says of a name; unknown names are NOT_FOUND.
  void SetHealth(const std::string& name, bool serving);
  /// The `authorization` of the last call.
  std::string last_authorization();
  /// Number of inputs of each text request so far.
  std::vector<int> request_sizes();
  /// The last request to translate.
  v1::TranslateRequest last_translate();

  grpc::Status Attend(grpc::ServerContext* context, const v1::AttendRequest* request,
                      v1::AttendResponse* response) override;
  grpc::Status Classify(grpc::ServerContext* context, const v1::ClassifyRequest* request,
                        v1::ClassifyResponse* response) override;
  grpc::Status Embed(grpc::ServerContext* context, const v1::EmbedRequest* request,
                     v1::EmbedResponse* response) override;
  grpc::Status Explain(grpc::ServerContext* context, const v1::ExplainRequest* request,
                       v1::ExplainResponse* response) override;
  grpc::Status Translate(grpc::ServerContext* context, const v1::TranslateRequest* request,
                         v1::TranslateResponse* response) override;
  grpc::Status TranslateStream(grpc::ServerContext* context, const v1::TranslateRequest* request,
                               grpc::ServerWriter<v1::TranslateUpdate>* writer) override;
  grpc::Status Caption(grpc::ServerContext* context, const v1::CaptionRequest* request,
                       v1::CaptionResponse* response) override;
  grpc::Status Tokenize(grpc::ServerContext* context, const v1::TokenizeRequest* request,
                        v1::TokenizeResponse* response) override;
  grpc::Status ListModels(grpc::ServerContext* context, const v1::ListModelsRequest* request,
                          v1::ListModelsResponse* response) override;
  grpc::Status Check(grpc::ServerContext* context,
                     const grpc::health::v1::HealthCheckRequest* request,
                     grpc::health::v1::HealthCheckResponse* response) override;

 private:
  // What every call does first.
  grpc::Status Enter(const grpc::ServerContext& context);
  grpc::Status EnterTexts(const grpc::ServerContext& context,
                          const google::protobuf::RepeatedPtrField<v1::TextInput>& inputs);
  grpc::Status EnterTranslate(const grpc::ServerContext& context,
                              const v1::TranslateRequest& request);

  int port_ = 0;
  Mutex mutex_;
  int failures_left_ ABSL_GUARDED_BY(mutex_) = 0;
  grpc::Status failure_ ABSL_GUARDED_BY(mutex_);
  float attend_error_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, bool> health_ ABSL_GUARDED_BY(mutex_) = {{"", true}};
  std::string authorization_ ABSL_GUARDED_BY(mutex_);
  std::vector<int> request_sizes_ ABSL_GUARDED_BY(mutex_);
  v1::TranslateRequest last_translate_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace attentiond::client
