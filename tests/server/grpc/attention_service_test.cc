// tests/server/grpc/attention_service_test.cc -- what all RPCs of attentiond.v1 share: who may
// call, when work is refused or dropped, and that nothing a client sends ends the server.
#include "server/grpc/attention_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/server/grpc/attention_service_test_server.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/gate.h"

namespace attentiond::testing {
namespace {

using ::testing::HasSubstr;

v1::ClassifyRequest ClassifyText(const std::string& text) {
  v1::ClassifyRequest request;
  request.set_model("sentiment");
  request.add_inputs()->set_text(text);
  return request;
}

grpc::Status Classify(AttentionTestServer& server, const v1::ClassifyRequest& request,
                      grpc::ClientContext* context = nullptr) {
  grpc::ClientContext own;
  v1::ClassifyResponse response;
  return server.stub().Classify(context == nullptr ? &own : context, request, &response);
}

grpc::Status Classify(AttentionTestServer& server) {
  return Classify(server, ClassifyText("good"));
}

TEST(AttentionServiceTest, AsksForAToken) {
  AttentionTestServer::Options options;
  options.tokens = {"secret"};
  AttentionTestServer server(options);
  EXPECT_EQ(Classify(server).error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(server.CallRaw("ListModels", "").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  for (const auto& [header, code] : {std::pair("Bearer wrong", grpc::StatusCode::UNAUTHENTICATED),
                                     std::pair("Bearer secret", grpc::StatusCode::OK)}) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", header);
    EXPECT_EQ(Classify(server, ClassifyText("good"), &context).error_code(), code);
  }
}

TEST(AttentionServiceTest, RefusesWorkWhileDraining) {
  AttentionTestServer server;
  server.gate().StartDraining();
  for (const char* method : {"Attend", "Classify", "Embed", "Explain", "Tokenize"}) {
    EXPECT_EQ(server.CallRaw(method, "").error_code(), grpc::StatusCode::UNAVAILABLE) << method;
  }
}

TEST(AttentionServiceTest, EchoesTheRequestId) {
  AttentionTestServer server;
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "mine-42");
  EXPECT_TRUE(Classify(server, ClassifyText("good"), &context).ok());
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto id = trailers.find("x-request-id");
  ASSERT_NE(id, trailers.end());
  EXPECT_EQ(id->second, "mine-42");
}

TEST(AttentionServiceTest, CountsGoodAndBadRequests) {
  AttentionTestServer server;
  EXPECT_TRUE(Classify(server).ok());
  EXPECT_FALSE(Classify(server, v1::ClassifyRequest()).ok());
  EXPECT_FALSE(Classify(server,
                        [] {
                          v1::ClassifyRequest request = ClassifyText("good");
                          request.set_top_k(-1);
                          return request;
                        }())
                   .ok());
  const std::string metrics = server.metrics().Serialize();
  // Labels in any order: the exporter's business.
  const auto counted = [&metrics](const std::string& model, const std::string& code) {
    for (size_t at = 0; (at = metrics.find("attentiond_requests_total{", at)) != std::string::npos;
         ++at) {
      const std::string line = metrics.substr(at, metrics.find('\n', at) - at);
      if (line.find("model=\"" + model + "\"") != std::string::npos &&
          line.find("method=\"Classify\"") != std::string::npos &&
          line.find("code=\"" + code + "\"") != std::string::npos) {
        return line.substr(line.rfind(' ') + 1);
      }
    }
    return std::string("none");
  };
  EXPECT_EQ(counted("sentiment", "OK"), "1");
  EXPECT_EQ(counted("sentiment", "INVALID_ARGUMENT"), "1");
  EXPECT_EQ(counted("", "INVALID_ARGUMENT"), "1");

  const auto model = server.repository().Get("sentiment");
  ASSERT_TRUE(model.ok());
  const ModelStatistics::Snapshot statistics = (*model)->statistics->Read();
  EXPECT_EQ(statistics.success.count, 1u);
  EXPECT_EQ(statistics.fail.count, 1u);
  EXPECT_EQ(statistics.inference_count, 1u);
  EXPECT_EQ(statistics.execution_count, 1u);
}

TEST(AttentionServiceTest, BoundsRequestsAndReplies) {
  AttentionTestServer::Options options;
  options.limits.max_rows = 4;
  options.limits.max_message_bytes = 100;
  options.inference.max_text_bytes = 8;
  AttentionTestServer server(options);

  v1::ClassifyRequest request = ClassifyText("good");
  EXPECT_TRUE(Classify(server, request).ok());
  request.add_inputs()->set_text("123456789");
  grpc::Status status = Classify(server, request);
  EXPECT_EQ(BadField(status), "inputs[1].text");
  EXPECT_THAT(status.error_message(), HasSubstr("9 bytes, at most 8"));

  // A reply of one input takes some 60 bytes, each further one some 30.
  request.mutable_inputs(1)->set_text("bad");
  request.add_inputs();
  request.add_inputs();
  status = Classify(server, request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("bytes, the limit is 100"));

  request.add_inputs();
  status = Classify(server, request);
  EXPECT_EQ(BadField(status), "inputs");
  EXPECT_EQ(status.error_message(), "inputs: more than 4 elements, required at most 4");
}

TEST(AttentionServiceTest, NamesTheTextThatIsNotUtf8) {
  AttentionTestServer server;
  v1::ClassifyRequest request = ClassifyText("good");
  request.add_inputs()->set_text("caf_");
  std::string bytes = request.SerializeAsString();
  bytes[bytes.find('_')] = '\xe9';
  for (const char* method : {"Classify", "Embed", "Explain", "Tokenize"}) {
    const grpc::Status status = server.CallRaw(method, bytes);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << method;
    EXPECT_EQ(BadField(status), "inputs[1].text") << method;
    EXPECT_EQ(status.error_message(),
              "inputs[1].text: byte 3 is not valid UTF-8, required text in UTF-8");
  }
}

/// Holds the executor in the model "sentiment" until the gate opens, and counts what gets there.
class HeldExecutorTest : public ::testing::Test {
 protected:
  HeldExecutorTest() { gate_.Close(); }
  ~HeldExecutorTest() override { gate_.Open(); }

  AttentionTestServer::Options Options() {
    AttentionTestServer::Options options;
    options.models["sentiment"].on_run = [this](int64_t rows) {
      gate_.Pass();
      rows_run_ += rows;
      return absl::OkStatus();
    };
    return options;
  }
  /// A request that is being computed.
  std::future<grpc::Status> Occupy(AttentionTestServer& server) {
    auto result = std::async(std::launch::async, [&server] { return Classify(server); });
    gate_.WaitForArrivals(1);
    return result;
  }
  /// Blocks until `count` rows wait behind the one that is computed.
  static void WaitForQueue(AttentionTestServer& server, int64_t count) {
    const auto model = server.repository().Get("sentiment");
    ASSERT_TRUE(model.ok());
    while ((*model)->queue->size() != count) std::this_thread::yield();
  }

  Gate gate_;
  std::atomic<int64_t> rows_run_{0};
};

TEST_F(HeldExecutorTest, ACancelledCallEndsOnBothSides) {
  AttentionTestServer server(Options());
  auto first = Occupy(server);
  grpc::ClientContext context;
  auto second = std::async(std::launch::async,
                           [&] { return Classify(server, ClassifyText("bad"), &context); });
  WaitForQueue(server, 1);
  context.TryCancel();
  EXPECT_EQ(second.get().error_code(), grpc::StatusCode::CANCELLED);
  gate_.Open();
  EXPECT_TRUE(first.get().ok());
  // The server hears of it in its own time, and has then nothing left of the call.
  const auto in_flight = [&server](const std::string& count) {
    return server.metrics().Serialize().find("attentiond_in_flight_requests " + count + "\n") !=
           std::string::npos;
  };
  while (!in_flight("0")) std::this_thread::yield();
  EXPECT_TRUE(server.gate().WaitUntilIdle(absl::InfiniteFuture()));
}

TEST_F(HeldExecutorTest, WhatIsPastItsDeadlineIsNotComputed) {
  FakeClock clock;
  AttentionTestServer::Options options = Options();
  options.clock = &clock;
  AttentionTestServer server(options);
  auto first = Occupy(server);
  grpc::ClientContext context;
  // An hour of the real clock, which does not pass, and of the server's, which does.
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::hours(1));
  auto second = std::async(std::launch::async,
                           [&] { return Classify(server, ClassifyText("bad"), &context); });
  WaitForQueue(server, 1);
  clock.Advance(absl::Hours(2));
  gate_.Open();
  EXPECT_TRUE(first.get().ok());
  EXPECT_EQ(second.get().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(rows_run_, 1);
  EXPECT_TRUE(Classify(server).ok());
}

TEST_F(HeldExecutorTest, AFullQueueSaysWhenToComeBack) {
  AttentionTestServer::Options options = Options();
  options.batching.max_queue_requests = 1;
  AttentionTestServer server(options);
  auto first = Occupy(server);
  auto second = std::async(std::launch::async, [&server] { return Classify(server); });
  WaitForQueue(server, 1);
  const grpc::Status refused = Classify(server);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(DetailOf<google::rpc::RetryInfo>(refused).has_retry_delay());
  gate_.Open();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
}

TEST_F(HeldExecutorTest, SoDoesAFullServer) {
  AttentionTestServer::Options options = Options();
  options.gate.max_requests = 1;
  AttentionTestServer server(options);
  auto first = Occupy(server);
  const grpc::Status refused = Classify(server);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(DetailOf<google::rpc::RetryInfo>(refused).has_retry_delay());
  // Who only asks what there is gets an answer.
  EXPECT_TRUE(server.CallRaw("ListModels", "").ok());
  gate_.Open();
  EXPECT_TRUE(first.get().ok());
}

TEST(AttentionServiceTest, ARequestThatNeverFitsTheQueueIsToldSo) {
  AttentionTestServer::Options options;
  options.batching.max_queue_requests = 2;
  AttentionTestServer server(options);
  v1::ClassifyRequest request = ClassifyText("good");
  request.add_inputs()->set_text("bad");
  EXPECT_TRUE(Classify(server, request).ok());
  request.add_inputs()->set_text("ugly");
  const grpc::Status refused = Classify(server, request);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), HasSubstr("has 3 rows, the queue holds 2"));
  EXPECT_FALSE(DetailOf<google::rpc::RetryInfo>(refused).has_retry_delay());
}

TEST(AttentionServiceTest, AnswersManyClientsAtOnce) {
  constexpr int kClients = 8, kRequests = 40;
  AttentionTestServer server;
  std::atomic<int> wrong{0};
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      for (int i = 0; i < kRequests; ++i) {
        v1::EmbedRequest request;
        request.set_model("encoder");
        request.set_normalize(false);
        const int length = (client * 7 + i) % 20;
        request.add_inputs()->set_text(std::string(static_cast<size_t>(length), 'a'));
        v1::EmbedResponse response;
        grpc::ClientContext context;
        const bool good = server.stub().Embed(&context, request, &response).ok() &&
                          response.results(0).values(0) == static_cast<float>(length * 100 + 1);
        if (!good) ++wrong;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
}

/// Good requests of every RPC, to be broken.
std::vector<std::pair<std::string, std::string>> GoodRequests() {
  v1::AttendRequest attend;
  for (v1::Tensor* tensor :
       {attend.mutable_query(), attend.mutable_key(), attend.mutable_value()}) {
    tensor->set_dtype(v1::DATA_TYPE_FP32);
    for (int axis = 0; axis < 4; ++axis) tensor->add_shape(1);
    tensor->set_data(std::string(4, '\0'));
  }
  attend.add_kv_lengths(1);
  attend.set_window(1);
  v1::ExplainRequest explain;
  explain.set_model("sentiment");
  explain.add_inputs()->set_text("good");
  explain.add_layers(0);
  explain.add_heads(1);
  const std::string classify = ClassifyText("good").SerializeAsString();
  return {{"Attend", attend.SerializeAsString()},
          {"Classify", classify},
          {"Embed", classify},
          {"Explain", explain.SerializeAsString()},
          {"Tokenize", classify},
          {"ListModels", std::string("\x08\x01")}};
}

TEST(AttentionServiceTest, SurvivesMutatedRequests) {
  AttentionTestServer server;
  std::mt19937 random(20240607);
  const auto good = GoodRequests();
  for (int i = 0; i < 3000; ++i) {
    auto [method, bytes] = good[static_cast<size_t>(i) % good.size()];
    for (auto edits = 1 + random() % 3; edits > 0; --edits) {
      const size_t at = random() % (bytes.size() + 1);
      switch (random() % 3) {
        case 0:
          bytes.insert(at, 1, static_cast<char>(random()));
          break;
        case 1:
          bytes.erase(at, 1 + random() % 4);
          break;
        default:
          if (at < bytes.size()) bytes[at] = static_cast<char>(random());
      }
    }
    const grpc::Status status = server.CallRaw(method, bytes);
    EXPECT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::INVALID_ARGUMENT ||
                status.error_code() == grpc::StatusCode::NOT_FOUND ||
                status.error_code() == grpc::StatusCode::FAILED_PRECONDITION)
        << method << ": " << status.error_code() << " " << status.error_message();
  }
  EXPECT_TRUE(Classify(server).ok());
}

}  // namespace
}  // namespace attentiond::testing
