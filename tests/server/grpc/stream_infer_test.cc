// ModelStreamInfer: order, errors in the middle, limits, and clients that go away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/server/grpc/kserve_test_server.h"
#include "tests/testing/gate.h"
#include "tests/testing/infer_request.h"

namespace attentiond::testing {
namespace {

using inference::ModelInferRequest;
using inference::ModelStreamInferResponse;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ModelInferRequest Attention(const std::string& id) {
  ModelInferRequest request;
  request.set_model_name("attention");
  request.set_id(id);
  for (const char* name : {"query", "key", "value"}) {
    AddRaw<float>(&request, name, "FP32", {1, 1, 1, 1}, {2});
  }
  return request;
}

ModelInferRequest Text(const std::string& model, const std::string& id) {
  ModelInferRequest request;
  request.set_model_name(model);
  request.set_id(id);
  AddRawText(&request, "text", {"a"});
  return request;
}

using Stream = grpc::ClientReaderWriter<ModelInferRequest, ModelStreamInferResponse>;

/// Everything that comes until the stream ends.
std::vector<ModelStreamInferResponse> ReadAll(Stream* stream) {
  std::vector<ModelStreamInferResponse> replies;
  for (ModelStreamInferResponse reply; stream->Read(&reply);) replies.push_back(reply);
  return replies;
}

std::vector<std::string> Ids(const std::vector<ModelStreamInferResponse>& replies) {
  std::vector<std::string> ids;
  for (const auto& reply : replies) ids.push_back(reply.infer_response().id());
  return ids;
}

class StreamInferTest : public ::testing::Test {
 protected:
  std::unique_ptr<Stream> Open() { return server_.stub().ModelStreamInfer(&context_); }

  grpc::ClientContext context_;
  KserveTestServer server_;
};

TEST_F(StreamInferTest, AnswersWhileItIsOpen) {
  const auto stream = Open();
  for (const std::string id : {"0", "1", "2"}) {
    ASSERT_TRUE(stream->Write(Attention(id)));
    ModelStreamInferResponse reply;
    ASSERT_TRUE(stream->Read(&reply));
    EXPECT_EQ(reply.error_message(), "");
    EXPECT_EQ(reply.infer_response().id(), id);
    EXPECT_THAT(OutputValues<float>(reply.infer_response(), "output"), ElementsAre(2));
  }
  stream->WritesDone();
  EXPECT_TRUE(ReadAll(stream.get()).empty());
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_TRUE(context_.GetServerTrailingMetadata().contains("x-request-id"));
}

TEST_F(StreamInferTest, NoRequests) {
  const auto stream = Open();
  stream->WritesDone();
  EXPECT_TRUE(ReadAll(stream.get()).empty());
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamInferTest, AnErrorInTheMiddleLeavesItOpen) {
  const auto stream = Open();
  for (const auto& request : {Attention("0"), Attention("1"), Text("nobody", "2"), Attention("3"),
                              Text("ids-only", "4"), Attention("5")}) {
    ASSERT_TRUE(stream->Write(request));
  }
  stream->WritesDone();
  const auto replies = ReadAll(stream.get());
  EXPECT_THAT(Ids(replies), ElementsAre("0", "1", "2", "3", "4", "5"));
  ASSERT_EQ(replies.size(), 6u);
  EXPECT_THAT(replies[2].error_message(), HasSubstr("nobody"));
  EXPECT_EQ(replies[2].infer_response().model_name(), "nobody");
  EXPECT_EQ(replies[2].infer_response().outputs_size(), 0);
  EXPECT_THAT(replies[4].error_message(), HasSubstr("no tokenizer"));
  for (const int good : {0, 1, 3, 5})
    EXPECT_EQ(replies[static_cast<size_t>(good)].error_message(), "");
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamInferTest, EndsWithTheErrorWhenTheClientAsksForThat) {
  context_.AddMetadata("triton_grpc_error", "true");
  const auto stream = Open();
  ASSERT_TRUE(stream->Write(Attention("0")));
  ASSERT_TRUE(stream->Write(Text("nobody", "1")));
  stream->Write(Attention("2"));  // fails when the stream has ended already
  EXPECT_THAT(Ids(ReadAll(stream.get())), ElementsAre("0"));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("nobody"));
}

TEST_F(StreamInferTest, ManyRequestsKeepTheirOrder) {
  // Classifying takes a batch and attention another: their replies are ready in any order.
  const auto stream = Open();
  std::vector<std::string> sent;
  for (int i = 0; i < 300; ++i) {
    sent.push_back(std::to_string(i));
    ASSERT_TRUE(
        stream->Write(i % 3 == 0 ? Text("sentiment", sent.back()) : Attention(sent.back())));
  }
  stream->WritesDone();
  EXPECT_EQ(Ids(ReadAll(stream.get())), sent);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(StreamInferTest, EachRequestIsCounted) {
  const auto stream = Open();
  stream->Write(Attention("0"));
  stream->Write(Text("nobody", "1"));
  stream->WritesDone();
  ReadAll(stream.get());
  stream->Finish();
  EXPECT_EQ(server_.Metric("attentiond_requests_total{code=\"OK\",method=\"ModelStreamInfer\","
                           "model=\"attention\",task=\"attention\"}"),
            1);
  EXPECT_EQ(server_.Metric("attentiond_requests_total{code=\"NOT_FOUND\","
                           "method=\"ModelStreamInfer\",model=\"\",task=\"\"}"),
            1);
  EXPECT_EQ(server_.Metric("attentiond_in_flight_requests"), 0);
}

/// A model "slow" that computes nothing while the gate is closed.
class GatedStreamTest : public ::testing::Test {
 protected:
  GatedStreamTest() {
    KserveTestServer::Options options;
    options.models.models["slow"].on_run = [this](int64_t) {
      gate_.Pass();
      return absl::OkStatus();
    };
    options.server.max_stream_in_flight = 4;
    server_ = std::make_unique<KserveTestServer>(options);
    gate_.Close();
  }
  ~GatedStreamTest() override { gate_.Open(); }

  Gate gate_;
  std::unique_ptr<KserveTestServer> server_;
};

TEST_F(GatedStreamTest, TakesNoMoreThanItsLimitAtATime) {
  grpc::ClientContext context;
  const auto stream = server_->stub().ModelStreamInfer(&context);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(stream->Write(Text("slow", std::to_string(i))));
  gate_.WaitForArrivals(1);
  // The stream reads on until four are in flight, and never past that.
  EXPECT_LE(server_->Metric("attentiond_in_flight_requests"), 4);
  gate_.Open();
  stream->WritesDone();
  EXPECT_EQ(ReadAll(stream.get()).size(), 20u);
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(GatedStreamTest, AClientThatGoesAwayLeavesNothingBehind) {
  {
    grpc::ClientContext context;
    const auto stream = server_->stub().ModelStreamInfer(&context);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(stream->Write(Text("slow", std::to_string(i))));
    gate_.WaitForArrivals(1);
    context.TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  gate_.Open();
  // Stopping waits for every request that was accepted.
  EXPECT_TRUE(server_->server().Stop(absl::InfiniteFuture()));
  EXPECT_EQ(server_->Metric("attentiond_in_flight_requests"), 0);
}

TEST_F(GatedStreamTest, DrainingRefusesNewRequestsOnAnOpenStream) {
  grpc::ClientContext context;
  const auto stream = server_->stub().ModelStreamInfer(&context);
  ASSERT_TRUE(stream->Write(Text("slow", "accepted")));
  gate_.WaitForArrivals(1);
  server_->server().StartDraining();
  ASSERT_TRUE(stream->Write(Text("slow", "refused")));
  gate_.Open();
  stream->WritesDone();
  const auto replies = ReadAll(stream.get());
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[0].error_message(), "");
  EXPECT_EQ(replies[0].infer_response().id(), "accepted");
  EXPECT_THAT(replies[1].error_message(), HasSubstr("draining"));
}

}  // namespace
}  // namespace attentiond::testing
