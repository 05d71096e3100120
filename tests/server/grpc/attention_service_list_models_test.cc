// tests/server/grpc/attention_service_list_models_test.cc -- ListModels over gRPC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/server/grpc/attention_service_test_server.h"

namespace attentiond::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::ListModelsResponse List(AttentionTestServer& server, bool ready_only = false) {
  grpc::ClientContext context;
  v1::ListModelsRequest request;
  v1::ListModelsResponse response;
  request.set_ready_only(ready_only);
  const grpc::Status status = server.stub().ListModels(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

std::vector<std::string> Names(const v1::ListModelsResponse& response) {
  std::vector<std::string> names;
  for (const v1::ModelDescription& model : response.models()) names.push_back(model.name());
  return names;
}

TEST(ListModelsTest, DescribesEveryModelByName) {
  AttentionTestServer server;
  const v1::ListModelsResponse response = List(server);
  ASSERT_THAT(Names(response),
              ElementsAre("attention", "encoder", "ids-only", "layer", "sentiment"));
  for (const v1::ModelDescription& model : response.models()) {
    EXPECT_EQ(model.version(), "1");
    EXPECT_EQ(model.state(), v1::MODEL_STATE_READY);
    EXPECT_EQ(model.reason(), "");
  }
  const v1::ModelDescription& attention = response.models(0);
  EXPECT_EQ(attention.kind(), v1::MODEL_KIND_ATTENTION);
  EXPECT_THAT(attention.methods(), ElementsAre("Attend"));

  const v1::ModelDescription& encoder = response.models(1);
  EXPECT_EQ(encoder.kind(), v1::MODEL_KIND_EMBEDDING);
  EXPECT_THAT(encoder.methods(), ElementsAre("Embed", "Explain", "Tokenize"));
  EXPECT_THAT(encoder.labels(), IsEmpty());

  EXPECT_THAT(response.models(2).methods(), IsEmpty());
  EXPECT_EQ(response.models(3).kind(), v1::MODEL_KIND_ATTENTION_LAYER);
  EXPECT_THAT(response.models(3).methods(), IsEmpty());

  const v1::ModelDescription& sentiment = response.models(4);
  EXPECT_EQ(sentiment.kind(), v1::MODEL_KIND_SEQUENCE_CLASSIFICATION);
  EXPECT_THAT(sentiment.methods(), ElementsAre("Classify", "Explain", "Tokenize"));
  EXPECT_EQ(sentiment.architecture(), "fake");
  EXPECT_EQ(sentiment.dtype(), v1::DATA_TYPE_FP32);
  EXPECT_EQ(sentiment.max_length(), 32);
  EXPECT_THAT(sentiment.labels(), ElementsAre("bad", "good"));
  EXPECT_EQ(sentiment.num_layers(), 2);
  EXPECT_EQ(sentiment.num_heads(), 3);
  EXPECT_EQ(sentiment.hidden_size(), 4);
  EXPECT_EQ(sentiment.parameter_bytes(), 1234);
}

TEST(ListModelsTest, SaysWhatIsNotLoaded) {
  AttentionTestServer server;
  ASSERT_TRUE(server.repository().Unload("encoder").ok());
  const v1::ListModelsResponse response = List(server);
  ASSERT_EQ(Names(response)[1], "encoder");
  const v1::ModelDescription& encoder = response.models(1);
  EXPECT_NE(encoder.state(), v1::MODEL_STATE_READY);
  EXPECT_NE(encoder.state(), v1::MODEL_STATE_UNSPECIFIED);
  EXPECT_EQ(encoder.kind(), v1::MODEL_KIND_UNSPECIFIED);
  EXPECT_THAT(encoder.methods(), IsEmpty());
  EXPECT_THAT(Names(List(server, /*ready_only=*/true)),
              ElementsAre("attention", "ids-only", "layer", "sentiment"));
}

TEST(ListModelsTest, AnswersWhileTheServerDrains) {
  AttentionTestServer server;
  server.gate().StartDraining();
  EXPECT_EQ(List(server).models_size(), 5);
}

}  // namespace
}  // namespace attentiond::testing
