// The life of the program: start, readiness, signals, draining, exit codes; over its real ports.
#include "tests/testing/server_process.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/engine/model.h"
#include "inference/grpc_service.grpc.pb.h"
#include "tests/testing/http_client.h"
#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using ::attentiond::testing::HttpGet;
using ::attentiond::testing::ServerProcess;
using ::attentiond::testing::TemporaryDirectory;
using ::testing::HasSubstr;
using ::testing::Not;

const char kDemo[] = "demo=" ATTENTIOND_SOURCE_DIR "/models/demo-sentiment";
const std::string kDemoModel = absl::StrCat("--model=", kDemo);

/// A client of the built-in model "attention".
class AttentionClient {
 public:
  explicit AttentionClient(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    stub_ = inference::GRPCInferenceService::NewStub(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
  }

  /// Attention of `length` tokens with themselves: its compute grows with the square.
  grpc::Status Attend(int64_t length) {
    constexpr int64_t kHeads = 8, kHeadDim = 64;
    inference::ModelInferRequest request;
    request.set_model_name("attention");
    for (const char* name : {"query", "key", "value"}) {
      auto* input = request.add_inputs();
      input->set_name(name);
      input->set_datatype("FP32");
      for (const int64_t dim : {int64_t{1}, kHeads, length, kHeadDim}) input->add_shape(dim);
      request.add_raw_input_contents()->assign(
          static_cast<size_t>(kHeads * length * kHeadDim) * sizeof(float), '\0');
    }
    inference::ModelInferResponse response;
    grpc::ClientContext context;
    return stub_->ModelInfer(&context, request, &response);
  }

 private:
  std::unique_ptr<inference::GRPCInferenceService::Stub> stub_;
};

// Long enough to be still running when the next line of a test runs, short enough to wait for.
constexpr int64_t kLongAttention = 6144;

/// Starts a long call and returns once the server works on it.
std::future<grpc::Status> StartLongCall(const ServerProcess& server) {
  auto call = std::async(std::launch::async, [address = server.address()] {
    return AttentionClient(address).Attend(kLongAttention);
  });
  const int port = server.http_port();
  while (!absl::StrContains(HttpGet(port, "/metrics").body, "attentiond_in_flight_requests 1\n")) {
    if (call.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
      ADD_FAILURE() << "the call ended before it was seen: make it longer";
      break;
    }
  }
  return call;
}

TEST(ServerProcessTest, ServesUntilASignalAndExitsWithZero) {
  for (const int signal : {SIGTERM, SIGINT}) {
    ServerProcess server({kDemoModel});
    ASSERT_TRUE(server.WaitUntilServing()) << server.Output();
    EXPECT_EQ(HttpGet(server.http_port(), "/livez").status, 200);
    EXPECT_EQ(HttpGet(server.http_port(), "/readyz").status, 200);
    EXPECT_THAT(
        HttpGet(server.http_port(), "/metrics").body,
        ::testing::AllOf(HasSubstr("attentiond_model_ready{model=\"demo\",version=\"1\"} 1\n"),
                         HasSubstr("attentiond_build_info{isa="),
                         HasSubstr("attentiond_kernel_dispatch_total{op=")));
    EXPECT_TRUE(AttentionClient(server.address()).Attend(1).ok());
    server.Signal(signal);
    EXPECT_EQ(server.WaitForExit(), 0) << server.Output();
    EXPECT_THAT(server.Output(), HasSubstr("\"message\":\"drained\""));
  }
}

TEST(ServerProcessTest, SaysWhatItRunsOn) {
  ServerProcess server({kDemoModel, "--threads=2", "--health-listen=127.0.0.1:0"});
  ASSERT_TRUE(server.WaitUntilServing()) << server.Output();
  EXPECT_THAT(server.Output(),
              ::testing::AllOf(HasSubstr("\"threads\":2"), HasSubstr("\"onednn\":\"3.7.2\""),
                               HasSubstr("\"isa\":\""), HasSubstr("\"cpu_quota_cores\":"),
                               HasSubstr("\"kind\":\"sequence_classification\""),
                               HasSubstr("\"load_seconds\":"), HasSubstr("\"dtype\":\"")));
  EXPECT_THAT(server.health_address(), ::testing::StartsWith("127.0.0.1:"));
  EXPECT_NE(server.health_address(), "127.0.0.1:0");
}

TEST(ServerProcessTest, TextLogHasThePortsToo) {
  auto server = ServerProcess::WithOnly(
      {"--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0", "--log-format=text"});
  ASSERT_TRUE(server.WaitForOutput(" info serving listen=127.0.0.1:")) << server.Output();
}

TEST(ServerProcessTest, DrainFinishesAcceptedWorkAndRefusesNew) {
  ServerProcess server({});
  ASSERT_TRUE(server.WaitUntilServing()) << server.Output();
  AttentionClient client(server.address());
  ASSERT_TRUE(client.Attend(1).ok());  // connected before the drain
  std::future<grpc::Status> call = StartLongCall(server);
  server.Signal(SIGTERM);
  ASSERT_TRUE(server.WaitForOutput("\"message\":\"draining\"")) << server.Output();

  EXPECT_EQ(client.Attend(1).error_code(), grpc::StatusCode::UNAVAILABLE);
  const auto readiness = HttpGet(server.http_port(), "/readyz");
  EXPECT_EQ(readiness.status, 503);
  EXPECT_EQ(readiness.body, "draining\n");

  const grpc::Status status = call.get();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(server.WaitForExit(), 0) << server.Output();
  EXPECT_THAT(server.Output(), HasSubstr("\"message\":\"drained\""));
}

TEST(ServerProcessTest, DrainEndsAtItsTimeout) {
  ServerProcess server({"--drain-timeout=0s"});
  ASSERT_TRUE(server.WaitUntilServing()) << server.Output();
  std::future<grpc::Status> call = StartLongCall(server);
  server.Signal(SIGTERM);
  EXPECT_FALSE(call.get().ok());
  EXPECT_EQ(server.WaitForExit(), 0) << server.Output();
  EXPECT_THAT(server.Output(), HasSubstr("accepted work was cut off"));
}

TEST(ServerProcessTest, ASecondSignalEndsItAtOnce) {
  ServerProcess server({});
  ASSERT_TRUE(server.WaitUntilServing()) << server.Output();
  std::future<grpc::Status> call = StartLongCall(server);
  server.Signal(SIGTERM);
  ASSERT_TRUE(server.WaitForOutput("\"message\":\"draining\"")) << server.Output();
  server.Signal(SIGINT);
  EXPECT_EQ(server.WaitForExit(), 128 + SIGINT) << server.Output();
  EXPECT_FALSE(call.get().ok());
}

TEST(ServerProcessTest, ASignalWhileItStartsEndsItWithZero) {
  // Whether it comes before or after the server is ready.
  ServerProcess server({kDemoModel});
  ASSERT_TRUE(server.WaitForOutput("\"message\":\"starting\"")) << server.Output();
  server.Signal(SIGTERM);
  EXPECT_EQ(server.WaitForExit(), 0) << server.Output();
}

TEST(ServerProcessTest, ReadsTheEnvironment) {
  ServerProcess server({}, {{"ATTENTIOND_MODEL", kDemo}, {"ATTENTIOND_THREDS", "2"}});
  ASSERT_TRUE(server.WaitUntilServing()) << server.Output();
  EXPECT_THAT(server.Output(), HasSubstr("\"message\":\"model ready\",\"model\":\"demo\""));
  EXPECT_THAT(server.Output(), HasSubstr("ATTENTIOND_THREDS means nothing here"));
}

TEST(ServerProcessTest, HelpAndVersionExitWithZero) {
  for (const char* flag : {"--help", "--version"}) {
    auto server = ServerProcess::WithOnly({flag});
    EXPECT_EQ(server.WaitForExit(), 0);
    EXPECT_THAT(server.Output(), ::testing::StartsWith("attentiond "));
  }
}

TEST(ServerProcessTest, AWrongCommandLineExitsWith64AndOneLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"--max-batch-token=1", "did you mean --max-batch-tokens?"},
      {"--threads=many", "--threads: \"many\" is not a whole number"},
      {"--listen=8001", "--listen: \"8001\" is not HOST:PORT"},
      {"--tls-key=key.pem", "--tls-key needs --tls-cert"},
      {"models/demo", "--model NAME=DIR"}};
  for (const auto& [argument, mend] : cases) {
    auto server = ServerProcess::WithOnly({argument});
    EXPECT_EQ(server.WaitForExit(), 64);
    EXPECT_THAT(server.Output(),
                ::testing::AllOf(::testing::StartsWith("attentiond: "), HasSubstr(mend)));
    EXPECT_EQ(server.Output().find('\n'), server.Output().size() - 1) << "one line";
  }
}

/// The one error line of a server that does not start.
std::string CannotStart(const std::vector<std::string>& arguments) {
  ServerProcess server(arguments);
  EXPECT_EQ(server.WaitForExit(), 1) << server.Output();
  std::vector<std::string> errors;
  for (const absl::string_view line : absl::StrSplit(server.Output(), '\n')) {
    if (absl::StrContains(line, "\"level\":\"error\"")) errors.emplace_back(line);
  }
  EXPECT_EQ(errors.size(), 1u) << server.Output();
  return errors.empty() ? "" : errors[0];
}

TEST(ServerProcessTest, CannotStartOnAPortInUse) {
  ServerProcess server({});
  ASSERT_TRUE(server.WaitUntilServing()) << server.Output();
  const std::string taken = absl::StrCat("127.0.0.1:", server.http_port());
  for (const auto& [flag, other] : {std::pair{"--listen=", "--metrics-listen=127.0.0.1:0"},
                                    std::pair{"--metrics-listen=", "--listen=127.0.0.1:0"}}) {
    for (const std::string& address : {server.address(), taken}) {
      auto second = ServerProcess::WithOnly({absl::StrCat(flag, address), other});
      EXPECT_EQ(second.WaitForExit(), 1) << second.Output();
      const std::vector<std::string> lines =
          absl::StrSplit(second.Output(), '\n', absl::SkipEmpty());
      EXPECT_THAT(lines, ::testing::ElementsAre(
                             HasSubstr(" info starting "),
                             ::testing::AllOf(HasSubstr("cannot start: "), HasSubstr(address))));
    }
  }
}

TEST(ServerProcessTest, CannotStartWithABrokenModel) {
  const TemporaryDirectory directory;
  EXPECT_THAT(CannotStart({"--model=broken=" + directory.path()}), HasSubstr("config.json"));
  EXPECT_THAT(CannotStart({"--model=absent=/nonexistent"}), HasSubstr("/nonexistent"));
  EXPECT_THAT(CannotStart({"--model-repository=/nonexistent"}), HasSubstr("/nonexistent"));
}

TEST(ServerProcessTest, CannotStartWithFilesThatAreNotThere) {
  EXPECT_THAT(CannotStart({"--tls-cert=/nonexistent/cert.pem", "--tls-key=/nonexistent/key.pem"}),
              HasSubstr("/nonexistent/"));
  EXPECT_THAT(CannotStart({"--auth-token-file=/nonexistent/tokens"}),
              HasSubstr("/nonexistent/tokens"));
}

TEST(ServerProcessTest, CannotStartInATypeThatTheProcessorLacks) {
  ServerProcess server({"--dtype=int8"}, {{"ONEDNN_MAX_CPU_ISA", "AVX2"}});
  EXPECT_EQ(server.WaitForExit(), 1);
  EXPECT_THAT(server.Output(),
              ::testing::ContainsRegex("--dtype: this processor .* does not multiply int8"));
}

TEST(ServerProcessTest, ServesInInt8) {
  if (!DescribePlatform().has_int8) GTEST_SKIP() << "this processor does not multiply int8";
  ServerProcess server({kDemoModel, "--dtype=int8"});
  ASSERT_TRUE(server.WaitUntilServing()) << server.Output();
  EXPECT_THAT(server.Output(),
              ::testing::AllOf(HasSubstr("\"dtype\":\"int8\""), HasSubstr("\"int8_cosine\":0.99")));
}

TEST(ServerProcessTest, CheckReportsAndExits) {
  ServerProcess server({kDemoModel, "--check"});
  EXPECT_EQ(server.WaitForExit(), 0) << server.Output();
  EXPECT_THAT(server.Output(),
              ::testing::AllOf(HasSubstr("\"message\":\"model loaded\""), HasSubstr("check passed"),
                               Not(HasSubstr("\"message\":\"serving\""))));
}

TEST(ServerProcessTest, CheckDoesNotNeedItsPorts) {
  ServerProcess running({});
  ASSERT_TRUE(running.WaitUntilServing()) << running.Output();
  auto check =
      ServerProcess::WithOnly({"--check", "--listen=" + running.address(),
                               absl::StrCat("--metrics-listen=127.0.0.1:", running.http_port())});
  EXPECT_EQ(check.WaitForExit(), 0) << check.Output();
}

TEST(ServerProcessTest, CheckFailsWhereTheStartWould) {
  EXPECT_THAT(CannotStart({"--check", "--model=absent=/nonexistent"}),
              ::testing::AllOf(HasSubstr("would not start: "), HasSubstr("/nonexistent")));
  EXPECT_THAT(CannotStart({"--check", "--auth-token-file=/nonexistent/tokens"}),
              HasSubstr("/nonexistent/tokens"));
}

}  // namespace
}  // namespace attentiond
