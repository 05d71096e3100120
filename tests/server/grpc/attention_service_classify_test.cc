// tests/server/grpc/attention_service_classify_test.cc -- Classify over gRPC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/server/grpc/attention_service_test_server.h"

namespace attentiond::testing {
namespace {

using ::testing::HasSubstr;

class ClassifyTest : public ::testing::Test {
 protected:
  static v1::ClassifyRequest Request(const std::vector<std::string>& texts) {
    v1::ClassifyRequest request;
    request.set_model("sentiment");
    for (const std::string& text : texts) request.add_inputs()->set_text(text);
    return request;
  }
  grpc::Status Classify(const v1::ClassifyRequest& request, v1::ClassifyResponse* response) {
    grpc::ClientContext context;
    return server_.stub().Classify(&context, request, response);
  }
  v1::ClassifyResponse Good(const v1::ClassifyRequest& request) {
    v1::ClassifyResponse response;
    const grpc::Status status = Classify(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  void ExpectBad(const v1::ClassifyRequest& request, const std::string& field,
                 const std::string& message) {
    v1::ClassifyResponse response;
    const grpc::Status status = Classify(request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(BadField(status), field);
    EXPECT_EQ(status.error_message(), message);
  }

  AttentionTestServer server_;
};

TEST_F(ClassifyTest, SortsLabelsByScore) {
  const v1::ClassifyResponse response = Good(Request({"ab"}));
  ASSERT_EQ(response.results_size(), 1);
  const v1::Classification& result = response.results(0);
  // Ids 0, 100, 101, 1: logits 0 and 2.02.
  const float good = 1 / (1 + std::exp(-2.02f));
  ASSERT_EQ(result.labels_size(), 2);
  EXPECT_EQ(result.labels(0).label(), "good");
  EXPECT_NEAR(result.labels(0).score(), good, 1e-6);  // a few roundings to 2^-24
  EXPECT_EQ(result.labels(1).label(), "bad");
  EXPECT_NEAR(result.labels(1).score(), 1 - good, 1e-6);
  EXPECT_EQ(result.input_tokens(), 4);
  EXPECT_EQ(result.truncated_tokens(), 0);
  EXPECT_EQ(response.model_version(), "1");
  EXPECT_EQ(response.input_tokens(), 4);
  EXPECT_TRUE(response.timing().has_queue());
  EXPECT_TRUE(response.timing().has_tokenize());
  EXPECT_TRUE(response.timing().has_compute());
}

TEST_F(ClassifyTest, KeepsTheOrderOfManyInputs) {
  std::vector<std::string> texts;
  for (int i = 0; i < 100; ++i) texts.push_back(std::string(static_cast<size_t>(i % 29), 'a'));
  const v1::ClassifyResponse response = Good(Request(texts));
  ASSERT_EQ(response.results_size(), 100);
  int64_t tokens = 0;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(response.results(i).input_tokens(), i % 29 + 2);
    tokens += i % 29 + 2;
  }
  EXPECT_EQ(response.input_tokens(), tokens);
}

TEST_F(ClassifyTest, ReadsPairsTogether) {
  v1::ClassifyRequest request = Request({"ab"});
  request.mutable_inputs(0)->set_text_pair("c");
  EXPECT_EQ(Good(request).results(0).input_tokens(), 6);
  // An empty second text is still a pair.
  request.mutable_inputs(0)->set_text_pair("");
  EXPECT_EQ(Good(request).results(0).input_tokens(), 5);
}

TEST_F(ClassifyTest, KeepsTheBestOnly) {
  v1::ClassifyRequest request = Request({"ab"});
  request.set_top_k(1);
  ASSERT_EQ(Good(request).results(0).labels_size(), 1);
  EXPECT_EQ(Good(request).results(0).labels(0).label(), "good");
  request.set_top_k(1000);
  EXPECT_EQ(Good(request).results(0).labels_size(), 2);
  request.set_top_k(-1);
  ExpectBad(request, "top_k", "top_k: -1, required at least 0");
}

TEST_F(ClassifyTest, TruncatesWhenAsked) {
  v1::ClassifyRequest request = Request({"ab", std::string(40, 'a')});
  ExpectBad(request, "inputs[1].text", "inputs[1].text: 42 tokens, at most 32 are allowed");
  request.set_truncate(true);
  const v1::ClassifyResponse response = Good(request);
  EXPECT_EQ(response.results(0).truncated_tokens(), 0);
  EXPECT_EQ(response.results(1).input_tokens(), 32);
  EXPECT_EQ(response.results(1).truncated_tokens(), 10);
  request.set_truncation_side(v1::TRUNCATION_SIDE_LEFT);
  EXPECT_EQ(Good(request).results(1).truncated_tokens(), 10);
  request.set_truncation_side(static_cast<v1::TruncationSide>(42));
  ExpectBad(request, "truncation_side", "truncation_side: 42, required a value of TruncationSide");
}

TEST_F(ClassifyTest, NamesThePairThatIsTooLong) {
  v1::ClassifyRequest request = Request({"ab"});
  request.mutable_inputs(0)->set_text_pair(std::string(40, 'a'));
  ExpectBad(request, "inputs[0]", "inputs[0]: 45 tokens, at most 32 are allowed");
}

TEST_F(ClassifyTest, WantsInputs) {
  ExpectBad(Request({}), "inputs", "inputs: empty, required at least one");
}

TEST_F(ClassifyTest, WantsAModelThatClassifies) {
  v1::ClassifyRequest request = Request({"ab"});
  request.clear_model();
  ExpectBad(request, "model",
            "model: empty, required the name of a sequence classification model with a tokenizer; "
            "loaded: sentiment");

  struct Case {
    const char* model;
    grpc::StatusCode code;
    const char* message;
  };
  const Case cases[] = {
      {"encoder", grpc::StatusCode::FAILED_PRECONDITION,
       "model: \"encoder\" is an embedding model, Classify needs a sequence classification model "
       "with a tokenizer"},
      {"layer", grpc::StatusCode::FAILED_PRECONDITION, "\"layer\" is an attention layer"},
      {"attention", grpc::StatusCode::FAILED_PRECONDITION,
       "\"attention\" is the built-in raw attention"},
      {"ids-only", grpc::StatusCode::FAILED_PRECONDITION,
       "\"ids-only\" is a sequence classification model without a tokenizer"},
      {"nothing", grpc::StatusCode::NOT_FOUND, "nothing"},
  };
  for (const Case& c : cases) {
    request.set_model(c.model);
    v1::ClassifyResponse response;
    const grpc::Status status = Classify(request, &response);
    EXPECT_EQ(status.error_code(), c.code) << c.model;
    EXPECT_THAT(status.error_message(), HasSubstr(c.message));
  }
}

TEST_F(ClassifyTest, WantsAVersionThatThereIs) {
  v1::ClassifyRequest request = Request({"ab"});
  request.set_model_version("1");
  EXPECT_EQ(Good(request).model_version(), "1");
  request.set_model_version("7");
  v1::ClassifyResponse response;
  EXPECT_EQ(Classify(request, &response).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ClassifyTest, AModelThatWasUnloadedIsUnavailable) {
  ASSERT_TRUE(server_.repository().Unload("sentiment").ok());
  v1::ClassifyResponse response;
  EXPECT_EQ(Classify(Request({"ab"}), &response).error_code(), grpc::StatusCode::UNAVAILABLE);
  ASSERT_TRUE(server_.repository().Load("sentiment").ok());
  Good(Request({"ab"}));
}

}  // namespace
}  // namespace attentiond::testing
