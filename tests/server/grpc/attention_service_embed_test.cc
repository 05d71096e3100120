// tests/server/grpc/attention_service_embed_test.cc -- Embed over gRPC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/server/grpc/attention_service_test_server.h"

namespace attentiond::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class EmbedTest : public ::testing::Test {
 protected:
  static v1::EmbedRequest Request(const std::vector<std::string>& texts) {
    v1::EmbedRequest request;
    request.set_model("encoder");
    request.set_normalize(false);
    for (const std::string& text : texts) request.add_inputs()->set_text(text);
    return request;
  }
  grpc::Status Embed(const v1::EmbedRequest& request, v1::EmbedResponse* response) {
    grpc::ClientContext context;
    return server_.stub().Embed(&context, request, response);
  }
  v1::EmbedResponse Good(const v1::EmbedRequest& request) {
    v1::EmbedResponse response;
    const grpc::Status status = Embed(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  void ExpectBad(const v1::EmbedRequest& request, const std::string& field,
                 const std::string& message) {
    v1::EmbedResponse response;
    const grpc::Status status = Embed(request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(BadField(status), field);
    EXPECT_EQ(status.error_message(), message);
  }

  AttentionTestServer server_;
};

TEST_F(EmbedTest, AnswersInTheOrderOfTheInputs) {
  const v1::EmbedResponse response = Good(Request({"a", "b", ""}));
  ASSERT_EQ(response.results_size(), 3);
  // Ids sum to 101, 102, 1.
  EXPECT_THAT(response.results(0).values(), ElementsAre(101, 102, 103, 104));
  EXPECT_THAT(response.results(1).values(), ElementsAre(102, 103, 104, 105));
  EXPECT_THAT(response.results(2).values(), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(response.results(0).input_tokens(), 3);
  EXPECT_EQ(response.input_tokens(), 8);
  EXPECT_EQ(response.model_version(), "1");
  EXPECT_TRUE(response.timing().has_compute());
}

TEST_F(EmbedTest, NormalizesUnlessToldNotTo) {
  v1::EmbedRequest request = Request({"a"});
  for (const bool said : {false, true}) {
    said ? request.set_normalize(true) : request.clear_normalize();
    float squares = 0;
    const v1::EmbedResponse response = Good(request);
    for (const float value : response.results(0).values()) squares += value * value;
    EXPECT_NEAR(squares, 1, 1e-6);  // four squares, each rounded to 2^-24
  }
}

TEST_F(EmbedTest, PoolsAndCutsAsAsked) {
  v1::EmbedRequest request = Request({"a"});
  request.set_pooling(v1::POOLING_CLS);
  request.set_dimensions(2);
  EXPECT_THAT(Good(request).results(0).values(), ElementsAre(1101, 1102));
  request.set_pooling(v1::POOLING_MEAN);
  request.set_dimensions(4);
  EXPECT_THAT(Good(request).results(0).values(), SizeIs(4));
}

TEST_F(EmbedTest, RefusesOptionsThatThereAreNot) {
  v1::EmbedRequest request = Request({"a"});
  request.set_dimensions(5);
  ExpectBad(request, "dimensions", "dimensions: 5, required 0 to 4");
  request.set_dimensions(-1);
  ExpectBad(request, "dimensions", "dimensions: -1, required 0 to 4");
  request = Request({"a"});
  request.set_pooling(static_cast<v1::Pooling>(42));
  ExpectBad(request, "pooling", "pooling: 42, required a value of Pooling");
  ExpectBad(Request({}), "inputs", "inputs: empty, required at least one");
}

TEST_F(EmbedTest, TruncatesWhenAsked) {
  v1::EmbedRequest request = Request({std::string(40, 'a')});
  ExpectBad(request, "inputs[0].text", "inputs[0].text: 42 tokens, at most 32 are allowed");
  request.set_truncate(true);
  request.set_normalize(false);
  const v1::EmbedResponse response = Good(request);
  EXPECT_EQ(response.results(0).truncated_tokens(), 10);
  // [CLS] (0) goes instead of [SEP] (1).
  request.set_truncation_side(v1::TRUNCATION_SIDE_LEFT);
  EXPECT_EQ(Good(request).results(0).values(0), response.results(0).values(0) + 1);
}

TEST_F(EmbedTest, WantsAnEmbeddingModel) {
  v1::EmbedRequest request = Request({"a"});
  request.clear_model();
  ExpectBad(request, "model",
            "model: empty, required the name of an embedding model with a tokenizer; loaded: "
            "encoder");
  request.set_model("sentiment");
  v1::EmbedResponse response;
  const grpc::Status status = Embed(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("is a sequence classification model, Embed needs"));
}

}  // namespace
}  // namespace attentiond::testing
