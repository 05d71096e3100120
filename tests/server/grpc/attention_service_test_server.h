// tests/server/grpc/attention_service_test_server.h -- AttentionService on a real gRPC server, over
// the real repository, scheduler and inference, and fake models.
#pragma once

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "attentiond/v1/attention_service.grpc.pb.h"
#include "core/parallel/thread_pool.h"
#include "server/grpc/attention_service.h"
#include "server/grpc/token_file.h"
#include "tests/testing/fake_model.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond::testing {

/// Models by name. "attention" is there without being named.
using FakeModels = std::map<std::string, FakeModelOptions>;

/// "sentiment" classifies, "encoder" embeds, "layer" is an attention layer, "ids-only" classifies
/// and has no tokenizer.
FakeModels DefaultModels();

class AttentionTestServer {
 public:
  struct Options {
    FakeModels models = DefaultModels();
    /// Directories of real models, by name.
    std::map<std::string, std::string> checkpoints;
    RequestLimits limits;
    AdmissionGate::Options gate;
    BatchQueueOptions batching;
    Inference::Options inference;
    std::vector<std::string> tokens;
    Clock* clock = Clock::Real();
  };

  AttentionTestServer() : AttentionTestServer(Options()) {}
  explicit AttentionTestServer(Options options);
  ~AttentionTestServer();

  v1::AttentionService::Stub& stub() { return *stub_; }
  const std::shared_ptr<grpc::Channel>& channel() { return channel_; }
  ModelRepository& repository() { return *repository_; }
  AdmissionGate& gate() { return gate_; }
  Metrics& metrics() { return *metrics_; }

  /// Sends `bytes` as the request of `method` ("Classify").
  grpc::Status CallRaw(absl::string_view method, const std::string& bytes,
                       grpc::ByteBuffer* reply = nullptr);

 private:
  const Options options_;
  TemporaryDirectory directory_;
  std::unique_ptr<Metrics> metrics_;
  ThreadPool threads_{1};
  std::unique_ptr<BatchScheduler> scheduler_;
  std::unique_ptr<ModelRepository> repository_;
  std::unique_ptr<Inference> inference_;
  AdmissionGate gate_;
  std::unique_ptr<TokenFile> tokens_;
  RequestIdSource request_ids_;
  ServiceEnvironment environment_;
  std::unique_ptr<AttentionService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::AttentionService::Stub> stub_;
};

/// The message of type Detail in the details of `status`; default when there is none.
template <typename Detail>
Detail DetailOf(const grpc::Status& status) {
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  Detail detail;
  for (const auto& any : details.details()) {
    if (any.UnpackTo(&detail)) break;
  }
  return detail;
}

/// The field that a BadRequest in the details names; empty when there is none.
std::string BadField(const grpc::Status& status);

}  // namespace attentiond::testing
