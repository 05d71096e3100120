// tests/server/grpc/attention_service_explain_test.cc -- Explain over gRPC: maps, selections,
// limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "tests/server/grpc/explain_fixture.h"

namespace attentiond::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;

constexpr int kLayers = 2, kHeads = 3;

std::vector<float> Weights(const v1::AttentionMap& map) {
  std::vector<float> values(map.weights().data().size() / sizeof(float));
  std::memcpy(values.data(), map.weights().data().data(), map.weights().data().size());
  return values;
}

/// Row 0 of a map: what the first token attends to.
std::vector<float> FirstRow(const v1::AttentionMap& map) {
  std::vector<float> row = Weights(map);
  row.resize(static_cast<size_t>(map.weights().shape(1)));
  return row;
}

class ExplainTest : public ExplainFixture {
 protected:
  static v1::ExplainRequest Request(const std::vector<std::string>& texts) {
    v1::ExplainRequest request;
    request.set_model("sentiment");
    for (const std::string& text : texts) request.add_inputs()->set_text(text);
    return request;
  }
};

TEST_F(ExplainTest, AveragesOverAllLayersAndHeadsByDefault) {
  const v1::ExplainResponse response = Good(Request({"abcd"}));
  ASSERT_EQ(response.results_size(), 1);
  const v1::Explanation& result = response.results(0);
  ASSERT_EQ(result.tokens_size(), 6);
  EXPECT_EQ(result.tokens(0).text(), "[CLS]");
  EXPECT_EQ(result.tokens(2).text(), "b");
  EXPECT_EQ(result.tokens(2).char_begin(), 1);
  ASSERT_EQ(result.maps_size(), 1);
  const v1::AttentionMap& map = result.maps(0);
  EXPECT_FALSE(map.has_layer());
  EXPECT_FALSE(map.has_head());
  EXPECT_EQ(map.weights().dtype(), v1::DATA_TYPE_FP32);
  EXPECT_THAT(map.weights().shape(), ElementsAre(6, 6));
  // Six maps, each of which gives token t to another one of six tokens.
  EXPECT_THAT(Weights(map),
              Pointwise(::testing::FloatEq(), std::vector<float>(36, 1.0f / (kLayers * kHeads))));
  EXPECT_EQ(response.input_tokens(), 6);
  EXPECT_EQ(response.model_version(), "1");
  EXPECT_TRUE(response.timing().has_tokenize());
}

TEST_F(ExplainTest, ReturnsWhatWasSelected) {
  v1::ExplainRequest request = Request({"abcd"});
  request.add_layers(1);
  request.add_heads(2);
  request.add_heads(0);
  const v1::ExplainResponse response = Good(request);
  ASSERT_EQ(response.results(0).maps_size(), 2);
  const v1::AttentionMap& first = response.results(0).maps(0);
  EXPECT_EQ(first.layer(), 1);
  EXPECT_EQ(first.head(), 2);
  EXPECT_THAT(FirstRow(first), ElementsAre(0, 0, 0, 0, 0, 1));  // map 1 * 3 + 2
  const v1::AttentionMap& second = response.results(0).maps(1);
  EXPECT_EQ(second.head(), 0);
  EXPECT_THAT(FirstRow(second), ElementsAre(0, 0, 0, 1, 0, 0));  // map 1 * 3 + 0
}

TEST_F(ExplainTest, ReducesAsAsked) {
  struct Case {
    v1::AttentionReduction reduction;
    int maps;
    std::vector<float> first_row;
  };
  const float third = 1.0f / 3, half = 0.5f, sixth = 1.0f / 6;
  const Case cases[] = {
      {v1::ATTENTION_REDUCTION_UNSPECIFIED, 1, {sixth, sixth, sixth, sixth, sixth, sixth}},
      {v1::ATTENTION_REDUCTION_NONE, kLayers * kHeads, {1, 0, 0, 0, 0, 0}},
      {v1::ATTENTION_REDUCTION_MEAN_HEADS, kLayers, {third, third, third, 0, 0, 0}},
      {v1::ATTENTION_REDUCTION_MEAN_LAYERS, kHeads, {half, 0, 0, half, 0, 0}},
      {v1::ATTENTION_REDUCTION_MEAN_ALL, 1, {sixth, sixth, sixth, sixth, sixth, sixth}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(v1::AttentionReduction_Name(c.reduction));
    v1::ExplainRequest request = Request({"abcd"});
    request.set_reduction(c.reduction);
    const v1::ExplainResponse response = Good(request);
    ASSERT_EQ(response.results(0).maps_size(), c.maps);
    EXPECT_THAT(FirstRow(response.results(0).maps(0)),
                Pointwise(::testing::FloatEq(), c.first_row));
  }
}

TEST_F(ExplainTest, RollsAttentionOut) {
  v1::ExplainRequest request = Request({"abcd"});
  request.set_reduction(v1::ATTENTION_REDUCTION_ROLLOUT);
  request.add_heads(0);
  v1::ExplainResponse response = Good(request);
  ASSERT_EQ(response.results(0).maps_size(), 1);
  // Head 0 looks at itself in layer 0 and three tokens further in layer 1.
  EXPECT_EQ(response.results(0).maps(0).layer(), 1);
  EXPECT_FALSE(response.results(0).maps(0).has_head());
  EXPECT_THAT(FirstRow(response.results(0).maps(0)), ElementsAre(0.5f, 0, 0, 0.5f, 0, 0));
  request.add_layers(1);
  request.add_layers(0);
  response = Good(request);
  ASSERT_EQ(response.results(0).maps_size(), 2);
  EXPECT_EQ(response.results(0).maps(1).layer(), 0);
  EXPECT_THAT(FirstRow(response.results(0).maps(1)), ElementsAre(1, 0, 0, 0, 0, 0));
}

TEST_F(ExplainTest, SendsNoMapsWhenNoneAreWanted) {
  v1::ExplainRequest request = Request({"abcd"});
  request.set_reduction(v1::ATTENTION_REDUCTION_NO_MAPS);
  const v1::ExplainResponse response = Good(request);
  EXPECT_EQ(response.results(0).maps_size(), 0);
  EXPECT_EQ(response.results(0).tokens_size(), 6);
  EXPECT_TRUE(response.results(0).has_classification());
  EXPECT_FALSE(response.results(0).has_attribution());
}

TEST_F(ExplainTest, SaysWhatAClassifierMadeOfIt) {
  v1::ExplainRequest request = Request({"a", "abc"});
  request.set_top_k(1);
  const v1::ExplainResponse response = Good(request);
  ASSERT_EQ(response.results_size(), 2);
  for (const v1::Explanation& result : response.results()) {
    ASSERT_TRUE(result.has_classification());
    ASSERT_EQ(result.classification().labels_size(), 1);
    EXPECT_EQ(result.classification().labels(0).label(), "good");
    EXPECT_EQ(result.classification().input_tokens(), result.tokens_size());
  }
  request.set_model("encoder");
  EXPECT_FALSE(Good(request).results(0).has_classification());
}

TEST_F(ExplainTest, ExplainsPairs) {
  v1::ExplainRequest request = Request({"a"});
  request.mutable_inputs(0)->set_text_pair("b");
  const v1::ExplainResponse response = Good(request);
  ASSERT_EQ(response.results(0).tokens_size(), 5);
  EXPECT_EQ(response.results(0).tokens(3).sequence(), 1);
  EXPECT_THAT(response.results(0).maps(0).weights().shape(), ElementsAre(5, 5));
}

TEST_F(ExplainTest, TruncatesWhenAsked) {
  v1::ExplainRequest request = Request({"a", std::string(40, 'a')});
  ExpectBad(request, "inputs[1].text", "inputs[1].text: 42 tokens, at most 32 are allowed");
  request.set_truncate(true);
  const v1::ExplainResponse response = Good(request);
  EXPECT_EQ(response.results(1).tokens_size(), 32);
  EXPECT_EQ(response.results(1).truncated_tokens(), 10);
  EXPECT_EQ(response.results(1).classification().truncated_tokens(), 10);
  EXPECT_EQ(response.results(1).tokens(0).id(), 0);
  request.set_truncation_side(v1::TRUNCATION_SIDE_LEFT);
  EXPECT_EQ(Good(request).results(1).tokens(0).id(), 100);
}

TEST_F(ExplainTest, RefusesSelectionsThatThereAreNot) {
  v1::ExplainRequest request = Request({"a"});
  request.add_layers(0);
  request.add_layers(2);
  ExpectBad(request, "layers[1]", "layers[1]: 2, required 0 to 1");
  request = Request({"a"});
  request.add_heads(-1);
  ExpectBad(request, "heads[0]", "heads[0]: -1, required 0 to 2");
  request = Request({"a"});
  request.add_heads(1);
  request.add_heads(1);
  ExpectBad(request, "heads[1]", "heads[1]: 1 is listed twice, required once");
  request = Request({"a"});
  request.set_reduction(static_cast<v1::AttentionReduction>(99));
  ExpectBad(request, "reduction", "reduction: 99, required a value of AttentionReduction");
  request = Request({"a"});
  request.set_top_k(-2);
  ExpectBad(request, "top_k", "top_k: -2, required at least 0");
  ExpectBad(Request({}), "inputs", "inputs: empty, required at least one");
}

TEST_F(ExplainTest, WantsATextEncoder) {
  v1::ExplainRequest request = Request({"a"});
  request.clear_model();
  ExpectBad(request, "model",
            "model: empty, required the name of a text encoder with a tokenizer; loaded: encoder, "
            "sentiment");
  v1::ExplainResponse response;
  for (const char* model : {"ids-only", "layer", "attention"}) {
    request.set_model(model);
    const grpc::Status status = Explain(request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION) << model;
    EXPECT_THAT(status.error_message(), HasSubstr("Explain needs a text encoder"));
  }
}

TEST_F(ExplainTest, BoundsTheNumberOfMaps) {
  // 43 inputs of 6 maps.
  v1::ExplainRequest request = Request(std::vector<std::string>(43, "a"));
  request.set_reduction(v1::ATTENTION_REDUCTION_NONE);
  ExpectBad(request, "inputs",
            "inputs: 43 inputs of 6 maps each, required at most 256 maps in one call");
  request.mutable_inputs()->RemoveLast();
  EXPECT_EQ(Good(request).results_size(), 42);
}

TEST(ExplainLimitsTest, BoundsTheTokensOfAnInput) {
  AttentionTestServer::Options options;
  options.models["sentiment"].max_length = 4096;
  AttentionTestServer server(options);
  v1::ExplainRequest request;
  request.set_model("sentiment");
  request.add_inputs()->set_text(std::string(511, 'a'));
  v1::ExplainResponse response;
  {
    grpc::ClientContext context;
    const grpc::Status status = server.stub().Explain(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(status.error_message(), "inputs[0].text: 513 tokens, at most 512 are allowed");
  }
  request.set_truncate(true);
  grpc::ClientContext context;
  ASSERT_TRUE(server.stub().Explain(&context, request, &response).ok());
  EXPECT_EQ(response.results(0).tokens_size(), 512);
}

TEST(ExplainLimitsTest, BoundsTheWeightsBehindTheMaps) {
  AttentionTestServer::Options options;
  // One input of 10 tokens: 6 maps of 400 bytes to make one of.
  options.limits.max_message_bytes = 2399;
  AttentionTestServer server(options);
  v1::ExplainRequest request;
  request.set_model("sentiment");
  request.add_inputs()->set_text("abcdefgh");
  v1::ExplainResponse response;
  {
    grpc::ClientContext context;
    const grpc::Status status = server.stub().Explain(&context, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_EQ(BadField(status), "inputs");
    EXPECT_EQ(status.error_message(),
              "inputs: their attention weights take 2400 bytes, the limit is 2399");
  }
  request.mutable_inputs(0)->set_text("abcdefg");
  grpc::ClientContext context;
  const grpc::Status status = server.stub().Explain(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
}

}  // namespace
}  // namespace attentiond::testing
