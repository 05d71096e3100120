// tests/server/grpc/kserve_test_server.h -- the whole gRPC server over fake models, in this
// process, and a client of it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "inference/grpc_service.grpc.pb.h"
#include "server/grpc/grpc_server.h"
#include "tests/testing/fake_inference.h"

namespace attentiond::testing {

class KserveTestServer {
 public:
  struct Options {
    Options() { server.enable_admin = true; }
    FakeInference::Options models;
    GrpcServerOptions server;
    Logger* logger = nullptr;  ///< of finished requests; must outlive the test server
    bool set_ready = true;
  };

  KserveTestServer() : KserveTestServer(Options()) {}
  /// server.address is replaced by a free port of the loopback interface.
  explicit KserveTestServer(Options options);
  ~KserveTestServer();

  inference::GRPCInferenceService::Stub& stub() { return *stub_; }
  const std::shared_ptr<grpc::Channel>& channel() { return channel_; }
  GrpcServer& server() { return *server_; }
  Metrics& metrics() { return models_.metrics(); }
  ModelRepository& repository() { return models_.repository(); }

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
  FakeInference models_;
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<inference::GRPCInferenceService::Stub> stub_;
};

/// The field that a BadRequest in the details names; empty when there is none.
std::string ViolatedField(const grpc::Status& status);

}  // namespace attentiond::testing
