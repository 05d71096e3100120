#include "client/client.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/client/commands/fake_server.h"
#include "tests/client/stepping_clock.h"

namespace attentiond::client {
namespace {

class ClientTest : public testing::Test {
 protected:
  Client MakeClient(const std::string& token = "") {
    ChannelOptions options;
    options.address = server_.address();
    UnaryCaller::Options caller;
    caller.bearer_token = token;
    caller.retry.max_attempts = 3;
    caller.clock = &clock_;
    caller.random = [] { return 0.0; };
    return Client(*CreateChannel(options), caller);
  }
  SteppingClock clock_;
  FakeServer server_;
};

v1::ClassifyRequest OneText(const std::string& text) {
  v1::ClassifyRequest request;
  request.set_model("sentiment");
  request.add_inputs()->set_text(text);
  return request;
}

TEST_F(ClientTest, CallsEveryMethod) {
  Client client = MakeClient("token");
  EXPECT_EQ(client.Classify(OneText("love"))->results(0).labels(0).label(), "POSITIVE");
  EXPECT_EQ(server_.last_authorization(), "Bearer token");
  v1::EmbedRequest embed;
  embed.add_inputs()->set_text("abc");
  EXPECT_EQ(client.Embed(embed)->results(0).values(0), 3);
  v1::TokenizeRequest tokenize;
  tokenize.add_inputs()->set_text("a cat");
  EXPECT_EQ(client.Tokenize(tokenize)->results(0).tokens_size(), 2);
  v1::ExplainRequest explain;
  explain.add_inputs()->set_text("a cat");
  EXPECT_EQ(client.Explain(explain)->results(0).tokens_size(), 4);
  EXPECT_EQ(client.ListModels(v1::ListModelsRequest())->models_size(), 2);
  v1::AttendRequest attend;
  for (v1::Tensor* tensor :
       {attend.mutable_query(), attend.mutable_key(), attend.mutable_value()}) {
    tensor->set_dtype(v1::DATA_TYPE_FP32);
    for (int axis = 0; axis < 4; ++axis) tensor->add_shape(1);
    const float one = 1;
    tensor->set_data(reinterpret_cast<const char*>(&one), sizeof(one));
  }
  EXPECT_EQ(client.Attend(attend)->output().data(), attend.value().data());
}

TEST_F(ClientTest, RetriesAndTellsTheLastError) {
  Client client = MakeClient();
  server_.FailNext(2, grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "full"));
  EXPECT_TRUE(client.Classify(OneText("a")).ok());
  server_.FailNext(3, grpc::Status(grpc::StatusCode::UNAVAILABLE, "draining"));
  EXPECT_EQ(client.Classify(OneText("a")).status(), absl::UnavailableError("draining"));
  server_.FailNext(0, grpc::Status::OK);
  EXPECT_EQ(client.Classify(OneText("fail 3")).status(), absl::InvalidArgumentError("asked for"));
}

TEST_F(ClientTest, HonoursTheServersRetryInfo) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(7);
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  const grpc::Status full(grpc::StatusCode::RESOURCE_EXHAUSTED, "full",
                          details.SerializeAsString());
  Client client = MakeClient();
  server_.FailNext(1, full);
  const absl::Time start = clock_.Now();
  EXPECT_TRUE(client.Classify(OneText("a")).ok());
  EXPECT_EQ(clock_.Now() - start, absl::Seconds(7));
  // Not when the wait would outlast the call.
  server_.FailNext(1, full);
  CallOptions options;
  options.timeout = absl::Seconds(5);
  EXPECT_TRUE(absl::IsResourceExhausted(client.Classify(OneText("a"), options).status()));
  EXPECT_EQ(clock_.Now() - start, absl::Seconds(7));
}

TEST_F(ClientTest, APassedDeadlineIsAnError) {
  Client client = MakeClient();
  CallOptions options;
  options.timeout = -absl::Seconds(1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(client.Classify(OneText("a"), options).status()));
}

}  // namespace
}  // namespace attentiond::client
