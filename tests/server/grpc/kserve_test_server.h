// tests/server/grpc/kserve_test_server.h -- the whole gRPC server over fake models, in this
// process, and a client of it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/parallel/thread_pool.h"
#include "inference/grpc_service.grpc.pb.h"
#include "server/grpc/grpc_server.h"
#include "tests/testing/fake_model.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond::testing {

/// "sentiment" classifies, "encoder" embeds, "layer" is an attention layer of 4 channels and 3
/// heads, "ids-only" classifies and has no tokenizer. "attention" is there without being named.
std::map<std::string, FakeModelOptions> DefaultFakeModels();

class KserveTestServer {
 public:
  struct Options {
    std::map<std::string, FakeModelOptions> models = DefaultFakeModels();
    /// Known, in the repository's directory, and not loaded: RepositoryModelLoad does.
    std::map<std::string, FakeModelOptions> unloaded_models;
    BatchQueueOptions batching;
    GrpcServerOptions server;
    bool set_ready = true;
  };

  KserveTestServer() : KserveTestServer(Options()) {}
  /// server.address is replaced by a free port of the loopback interface.
  explicit KserveTestServer(Options options);
  ~KserveTestServer();

  inference::GRPCInferenceService::Stub& stub() { return *stub_; }
  const std::shared_ptr<grpc::Channel>& channel() { return channel_; }
  GrpcServer& server() { return *server_; }
  Metrics& metrics() { return *metrics_; }
  ModelRepository& repository() { return *repository_; }

  /// ModelInfer; the context, when given, is used once.
  grpc::Status Infer(const inference::ModelInferRequest& request,
                     inference::ModelInferResponse* response,
                     grpc::ClientContext* context = nullptr);
  /// ModelInfer that must succeed.
  inference::ModelInferResponse MustInfer(const inference::ModelInferRequest& request);
  /// Any unary method of the service by name, on bytes.
  grpc::Status CallRaw(const std::string& method, const std::string& bytes);
  /// The value of a sample line in the exposition ("name{labels}"); -1 when there is none.
  double Metric(const std::string& series);

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Metrics> metrics_;
  ThreadPool threads_{1};
  std::unique_ptr<BatchScheduler> scheduler_;
  std::unique_ptr<ModelRepository> repository_;
  std::unique_ptr<Inference> inference_;
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<inference::GRPCInferenceService::Stub> stub_;
};

/// The field that a BadRequest in the details names; empty when there is none.
std::string ViolatedField(const grpc::Status& status);

}  // namespace attentiond::testing
