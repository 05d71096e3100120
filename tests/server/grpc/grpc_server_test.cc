// The server as a whole: ports, tokens, request ids, limits, deadlines, draining.
#include "server/grpc/grpc_server.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/grpc/kserve_test_server.h"
#include "tests/testing/gate.h"
#include "tests/testing/infer_request.h"

namespace attentiond::testing {
namespace {

using inference::ModelInferRequest;
using inference::ModelInferResponse;
using ::testing::HasSubstr;
using ::testing::Not;

ModelInferRequest Classify(const std::string& model, const std::string& text = "a") {
  ModelInferRequest request;
  request.set_model_name(model);
  AddRawText(&request, "text", {text});
  return request;
}

GrpcServerOptions OnLoopback() {
  GrpcServerOptions options;
  options.address = "127.0.0.1:0";
  return options;
}

/// Starting, without models.
class GrpcServerStartTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const GrpcServerOptions& options) {
    return GrpcServer::Start(options, {.repository = &repository_,
                                       .inference = &inference_,
                                       .metrics = metrics_.get(),
                                       .clock = Clock::Real()});
  }

  std::unique_ptr<Metrics> metrics_ = Metrics::Create({});
  ThreadPool threads_{1};
  BatchScheduler scheduler_{Clock::Real()};
  ModelRepository repository_{{}, &scheduler_, metrics_.get(), &threads_, Clock::Real()};
  Inference inference_{&repository_, Clock::Real(), {}};
};

TEST_F(GrpcServerStartTest, PicksFreePorts) {
  GrpcServerOptions options = OnLoopback();
  const auto first = Start(options);
  options.health_address = "127.0.0.1:0";
  const auto second = Start(options);
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_GT((*first)->port(), 0);
  EXPECT_EQ((*first)->health_port(), 0);
  EXPECT_NE((*first)->port(), (*second)->port());
  EXPECT_GT((*second)->health_port(), 0);
}

TEST_F(GrpcServerStartTest, APortInUseIsAnError) {
  const auto first = Start(OnLoopback());
  ASSERT_TRUE(first.ok()) << first.status();
  GrpcServerOptions options;
  options.address = absl::StrCat("127.0.0.1:", (*first)->port());
  const absl::Status status = Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(options.address));
}

TEST_F(GrpcServerStartTest, WrongOptions) {
  GrpcServerOptions bytes = OnLoopback();
  bytes.max_message_bytes = int64_t{1} << 31;
  EXPECT_EQ(Start(bytes).status().code(), absl::StatusCode::kInvalidArgument);
  GrpcServerOptions token = OnLoopback();
  token.auth_token_file = "/no/such/file";
  EXPECT_EQ(Start(token).status().code(), absl::StatusCode::kNotFound);
  GrpcServerOptions address;
  address.address = "not an address";
  EXPECT_FALSE(Start(address).ok());
}

TEST_F(GrpcServerStartTest, StopsTwice) {
  const auto server = Start(OnLoopback());
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE((*server)->Stop(absl::InfiniteFuture()));
  EXPECT_TRUE((*server)->Stop(absl::InfiniteFuture()));
}

TEST(GrpcServerTest, IsAliveBeforeItIsReady) {
  KserveTestServer::Options options;
  options.set_ready = false;
  KserveTestServer server(options);
  const auto is_ready = [&server] {
    grpc::ClientContext context;
    inference::ServerReadyResponse response;
    EXPECT_TRUE(server.stub().ServerReady(&context, {}, &response).ok());
    return response.ready();
  };
  EXPECT_FALSE(is_ready());
  server.server().SetReady();
  EXPECT_TRUE(is_ready());
}

TEST(GrpcServerTest, RequestIdsAreEchoedWhenTheyAreFit) {
  KserveTestServer server;
  const auto echoed = [&server](const std::string& id) {
    grpc::ClientContext context;
    if (!id.empty()) context.AddMetadata("x-request-id", id);
    ModelInferResponse response;
    EXPECT_TRUE(server.Infer(Classify("sentiment"), &response, &context).ok());
    const auto& trailers = context.GetServerTrailingMetadata();
    const auto found = trailers.find("x-request-id");
    return found == trailers.end() ? "none"
                                   : std::string(found->second.data(), found->second.size());
  };
  EXPECT_EQ(echoed("abc-1"), "abc-1");
  EXPECT_THAT(echoed("two words"), Not(HasSubstr(" ")));
  const std::string made = echoed("");
  EXPECT_NE(made, "none");
  EXPECT_NE(made, echoed(""));
}

TEST(GrpcServerTest, ErrorsOfAnySizeReachTheClient) {
  KserveTestServer server;
  std::string name;
  while (name.size() < 100'000) name += "\xf0\x9f\x90\x88";
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", std::string(128, 'i'));
  ModelInferRequest request = Classify("sentiment");
  request.mutable_inputs(0)->set_name(name);
  WantOutputs(&request, {name});
  (*request.mutable_parameters())[name].set_bool_param(true);
  ModelInferResponse response;
  const grpc::Status status = server.Infer(request, &response, &context);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  EXPECT_EQ(ViolatedField(status), "inputs");
  request.set_model_name(name);
  EXPECT_EQ(server.Infer(request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST(GrpcServerTest, TokensAreAskedForWhenThereAreAny) {
  const TemporaryDirectory directory;
  KserveTestServer::Options options;
  options.server.auth_token_file = directory.Write("tokens", "s3cret\n");
  KserveTestServer server(options);
  const auto infer = [&server](const std::string& authorization) {
    grpc::ClientContext context;
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    ModelInferResponse response;
    return server.Infer(Classify("sentiment"), &response, &context).error_code();
  };
  EXPECT_EQ(infer("Bearer s3cret"), grpc::StatusCode::OK);
  EXPECT_EQ(infer(""), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(infer("s3cret"), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(infer("Bearer wrong"), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(server.CallRaw("ServerReady", "").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(server.CallRaw("ModelInfer", "\xff").error_code(), grpc::StatusCode::UNAUTHENTICATED)
      << "before the message is looked at";
  EXPECT_EQ(server.CallRaw("RepositoryModelLoad", "").error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  grpc::ClientContext context;
  const auto stream = server.stub().ModelStreamInfer(&context);
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::UNAUTHENTICATED);
}

TEST(GrpcServerTest, OutputsThatWouldBeTooLargeAreRefusedBeforeCompute) {
  KserveTestServer::Options options;
  std::atomic<bool> has_run = false;
  options.models.models["sentiment"].on_run = [&has_run](int64_t) {
    has_run = true;
    return absl::OkStatus();
  };
  options.server.max_message_bytes = 2000;
  KserveTestServer server(options);
  ModelInferRequest request = Classify("sentiment", "abcdefgh");
  WantOutputs(&request, {"attentions"});  // 2 layers, 3 heads, 10 x 10 tokens, 4 bytes: 2400
  ModelInferResponse response;
  const grpc::Status status = server.Infer(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ViolatedField(status), "outputs.attentions");
  EXPECT_THAT(status.error_message(), HasSubstr("2400"));
  EXPECT_FALSE(has_run);
  EXPECT_EQ(server.Infer(Classify("sentiment", std::string(2000, 'x')), &response).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED)
      << "gRPC's own answer to a request past the limit";
  server.MustInfer(Classify("sentiment"));
}

/// A model "slow" that computes nothing while the gate is closed.
class BusyServerTest : public ::testing::Test {
 protected:
  void StartServer(GrpcServerOptions options = {}) {
    KserveTestServer::Options server_options;
    server_options.server = options;
    server_options.models.models["slow"].on_run = [this](int64_t) {
      gate_.Pass();
      return absl::OkStatus();
    };
    server_ = std::make_unique<KserveTestServer>(server_options);
    gate_.Close();
  }
  ~BusyServerTest() override { gate_.Open(); }

  /// A request that is being computed when this returns.
  std::future<grpc::Status> Occupy() {
    auto result = std::async(std::launch::async, [this] {
      ModelInferResponse response;
      return server_->Infer(Classify("slow"), &response);
    });
    gate_.WaitForArrivals(1);
    return result;
  }
  grpc::Status Infer(const ModelInferRequest& request) {
    ModelInferResponse response;
    return server_->Infer(request, &response);
  }

  Gate gate_;
  std::unique_ptr<KserveTestServer> server_;
};

TEST_F(BusyServerTest, TooManyRequestsInFlight) {
  GrpcServerOptions options;
  options.max_in_flight_requests = 1;
  StartServer(options);
  auto occupant = Occupy();
  const grpc::Status refused = Infer(Classify("sentiment"));
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("1 requests"));
  EXPECT_EQ(server_->Metric("attentiond_rejected_total{model=\"\",reason=\"queue_full\"}"), 1);
  gate_.Open();
  EXPECT_TRUE(occupant.get().ok());
}

TEST_F(BusyServerTest, TooManyBytesInFlight) {
  GrpcServerOptions options;
  options.max_in_flight_bytes = 1000;
  StartServer(options);
  auto occupant = Occupy();
  EXPECT_EQ(Infer(Classify("sentiment", std::string(950, ' '))).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
  gate_.Open();
  EXPECT_TRUE(occupant.get().ok());
}

TEST_F(BusyServerTest, ADeadlineThatPassesInTheQueue) {
  StartServer();
  auto occupant = Occupy();
  ModelInferRequest late = Classify("slow");
  (*late.mutable_parameters())["timeout"].set_int64_param(1);  // microsecond
  EXPECT_EQ(Infer(late).error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  gate_.Open();
  EXPECT_TRUE(occupant.get().ok());
}

TEST_F(BusyServerTest, AClientThatGoesAway) {
  StartServer();
  auto occupant = Occupy();
  grpc::ClientContext context;
  auto gone = std::async(std::launch::async, [this, &context] {
    ModelInferResponse response;
    return server_->Infer(Classify("slow"), &response, &context);
  });
  context.TryCancel();
  EXPECT_EQ(gone.get().error_code(), grpc::StatusCode::CANCELLED);
  gate_.Open();
  EXPECT_TRUE(occupant.get().ok());
  EXPECT_TRUE(server_->server().Stop(absl::InfiniteFuture()));
  EXPECT_EQ(server_->Metric("attentiond_in_flight_requests"), 0);
}

TEST_F(BusyServerTest, DrainingFinishesWhatWasAccepted) {
  StartServer();
  auto occupant = Occupy();
  server_->server().StartDraining();
  const grpc::Status refused = Infer(Classify("sentiment"));
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refused.error_message(), HasSubstr("draining"));
  EXPECT_EQ(server_->Metric("attentiond_rejected_total{model=\"\",reason=\"shut_down\"}"), 1);
  grpc::ClientContext ready_context, live_context;
  inference::ServerReadyResponse ready;
  EXPECT_TRUE(server_->stub().ServerReady(&ready_context, {}, &ready).ok());
  EXPECT_FALSE(ready.ready());
  inference::ServerLiveResponse live;
  EXPECT_TRUE(server_->stub().ServerLive(&live_context, {}, &live).ok());
  EXPECT_TRUE(live.live());
  auto stopped = std::async(std::launch::async,
                            [this] { return server_->server().Stop(absl::InfiniteFuture()); });
  gate_.Open();
  EXPECT_TRUE(stopped.get());
  EXPECT_TRUE(occupant.get().ok());
}

TEST_F(BusyServerTest, StoppingCancelsWhatIsNotDoneInTime) {
  StartServer();
  auto occupant = Occupy();
  auto stopped = std::async(std::launch::async,
                            [this] { return server_->server().Stop(absl::InfinitePast()); });
  EXPECT_FALSE(occupant.get().ok());
  gate_.Open();
  EXPECT_FALSE(stopped.get());
}

}  // namespace
}  // namespace attentiond::testing
