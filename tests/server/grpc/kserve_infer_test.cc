// ModelInfer over a real server: results of every kind of model, what is echoed, and every error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/server/grpc/kserve_test_server.h"
#include "tests/testing/infer_request.h"

namespace attentiond::testing {
namespace {

using inference::ModelInferRequest;
using inference::ModelInferResponse;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

// A few operations on numbers below 16, each rounded to 2^-24 of its result.
auto Near(const std::vector<float>& expected) { return Pointwise(FloatNear(1e-5f), expected); }

ModelInferRequest RequestFor(const std::string& model) {
  ModelInferRequest request;
  request.set_model_name(model);
  return request;
}

/// One query that attends to one key: the output is the value.
ModelInferRequest SmallestAttention() {
  ModelInferRequest request = RequestFor("attention");
  AddRaw<float>(&request, "query", "FP32", {1, 1, 1, 1}, {2});
  AddRaw<float>(&request, "key", "FP32", {1, 1, 1, 1}, {3});
  AddRaw<float>(&request, "value", "FP32", {1, 1, 1, 1}, {5});
  return request;
}

ModelInferRequest Classify(const std::vector<std::string>& texts) {
  ModelInferRequest request = RequestFor("sentiment");
  AddRawText(&request, "text", texts);
  return request;
}

class KserveInferTest : public ::testing::Test {
 protected:
  /// Expects the code, the words in the message, and for INVALID_ARGUMENT the field.
  void ExpectError(const ModelInferRequest& request, grpc::StatusCode code,
                   const std::string& field, const std::vector<std::string>& words) {
    ModelInferResponse response;
    const grpc::Status status = server_.Infer(request, &response);
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_EQ(ViolatedField(status), field) << status.error_message();
    for (const std::string& word : words) EXPECT_THAT(status.error_message(), HasSubstr(word));
    EXPECT_EQ(server_.MustInfer(SmallestAttention()).outputs_size(), 1) << "it still answers";
  }
  void ExpectInvalid(const ModelInferRequest& request, const std::string& field,
                     const std::vector<std::string>& words) {
    ExpectError(request, grpc::StatusCode::INVALID_ARGUMENT, field, words);
  }

  KserveTestServer server_;
};

TEST_F(KserveInferTest, EchoesIdNameAndVersion) {
  ModelInferRequest request = SmallestAttention();
  request.set_id("call-7");
  const ModelInferResponse response = server_.MustInfer(request);
  EXPECT_EQ(response.id(), "call-7");
  EXPECT_EQ(response.model_name(), "attention");
  EXPECT_EQ(response.model_version(), "1");
  EXPECT_THAT(OutputNames(response), ElementsAre("output"));
  EXPECT_THAT(OutputShape(response, "output"), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(OutputValues<float>(response, "output"), ElementsAre(5));
  EXPECT_FALSE(response.outputs(0).has_contents());
}

TEST_F(KserveInferTest, AttentionOutputsInTheOrderAsked) {
  ModelInferRequest request = SmallestAttention();
  WantOutputs(&request, {"lse", "weights"});
  (*request.mutable_parameters())["scale"].set_double_param(0.5);
  const ModelInferResponse response = server_.MustInfer(request);
  EXPECT_THAT(OutputNames(response), ElementsAre("lse", "weights"));
  EXPECT_THAT(OutputValues<float>(response, "lse"), ElementsAre(3));  // 0.5 * 2 * 3
  EXPECT_THAT(OutputValues<float>(response, "weights"), ElementsAre(1));
}

TEST_F(KserveInferTest, AttentionParametersAndOptionalInputs) {
  ModelInferRequest request = RequestFor("attention");
  // Equal scores: the output is the mean of the values that are visible.
  AddRaw<float>(&request, "query", "FP32", {1, 1, 3, 1}, {0, 0, 0});
  AddRaw<float>(&request, "key", "FP32", {1, 1, 3, 1}, {1, 1, 1});
  AddRaw<float>(&request, "value", "FP32", {1, 1, 3, 1}, {3, 6, 12});
  EXPECT_THAT(OutputValues<float>(server_.MustInfer(request), "output"), Near({7, 7, 7}));
  ModelInferRequest causal = request;
  (*causal.mutable_parameters())["causal"].set_bool_param(true);
  EXPECT_THAT(OutputValues<float>(server_.MustInfer(causal), "output"), Near({3, 4.5, 7}));
  (*causal.mutable_parameters())["window"].set_int64_param(1);
  EXPECT_THAT(OutputValues<float>(server_.MustInfer(causal), "output"), Near({3, 6, 12}));
  ModelInferRequest lengths = request;
  AddRaw<int32_t>(&lengths, "kv_lengths", "INT32", {1}, {2});
  EXPECT_THAT(OutputValues<float>(server_.MustInfer(lengths), "output"), Near({4.5, 4.5, 4.5}));
  ModelInferRequest masked = request;
  AddRaw<uint8_t>(&masked, "mask", "BOOL", {1, 1, 3, 3}, {1, 0, 0, 0, 0, 0, 0, 1, 1});
  EXPECT_THAT(OutputValues<float>(server_.MustInfer(masked), "output"), Near({3, 0, 9}));
}

TEST_F(KserveInferTest, ClassifiesRawAndTypedText) {
  // "ab" is [CLS] a b [SEP]: the ids sum to 0 + 100 + 101 + 1, logits 0 and 2.02.
  const float score = 1 / (1 + std::exp(-2.02f));
  ModelInferRequest typed = RequestFor("sentiment");
  AddInput(&typed, "text", "BYTES", {1})->mutable_contents()->add_bytes_contents("ab");
  for (const ModelInferRequest& request : {Classify({"ab"}), typed}) {
    const ModelInferResponse response = server_.MustInfer(request);
    EXPECT_THAT(OutputNames(response), ElementsAre("label", "score"));
    EXPECT_THAT(OutputText(response, "label"), ElementsAre("good"));
    EXPECT_THAT(OutputValues<float>(response, "score"), ElementsAre(FloatNear(score, 1e-6f)));
  }
}

TEST_F(KserveInferTest, RowsOfDifferentLengths) {
  ModelInferRequest request = Classify({"a", "abc"});
  WantOutputs(&request, {"input_ids", "logits", "attentions"});
  const ModelInferResponse response = server_.MustInfer(request);
  EXPECT_THAT(OutputShape(response, "input_ids"), ElementsAre(2, 5));
  EXPECT_THAT(OutputValues<int64_t>(response, "input_ids"),
              ElementsAre(0, 100, 1, -1, -1, 0, 100, 101, 102, 1));
  EXPECT_THAT(OutputShape(response, "attentions"), ElementsAre(2, 2, 3, 5, 5));
  EXPECT_THAT(OutputValues<float>(response, "logits"), Near({0, 1.01f, 0, 3.04f}));
}

TEST_F(KserveInferTest, NoRows) {
  const ModelInferResponse text = server_.MustInfer(Classify({}));
  EXPECT_THAT(OutputShape(text, "label"), ElementsAre(0));
  EXPECT_EQ(text.raw_output_contents_size(), 2);
  ModelInferRequest layer = RequestFor("layer");
  AddRaw<float>(&layer, "query", "FP32", {0, 3, 4}, {});
  EXPECT_THAT(OutputShape(server_.MustInfer(layer), "output"), ElementsAre(0, 3, 4));
}

TEST_F(KserveInferTest, MaskedIdsAreAsIfAbsent) {
  ModelInferRequest request = RequestFor("encoder");
  AddRaw<int64_t>(&request, "input_ids", "INT64", {1, 4}, {0, 9, 7, 5});
  AddRaw<int64_t>(&request, "attention_mask", "INT64", {1, 4}, {1, 0, 1, 1});
  WantOutputs(&request, {"embedding", "input_ids", "last_hidden_state"});
  (*request.mutable_parameters())["normalize"].set_bool_param(false);
  (*request.mutable_parameters())["dimensions"].set_int64_param(2);
  const ModelInferResponse response = server_.MustInfer(request);
  EXPECT_THAT(OutputValues<float>(response, "embedding"), ElementsAre(12, 13));
  EXPECT_THAT(OutputValues<int64_t>(response, "input_ids"), ElementsAre(0, -1, 7, 5));
  EXPECT_THAT(OutputShape(response, "last_hidden_state"), ElementsAre(1, 4, 4));
}

TEST_F(KserveInferTest, EmbeddingPooling) {
  ModelInferRequest request = RequestFor("encoder");
  AddRaw<int64_t>(&request, "input_ids", "INT64", {1, 1}, {5});
  (*request.mutable_parameters())["normalize"].set_bool_param(false);
  (*request.mutable_parameters())["pooling"].set_string_param("cls");
  EXPECT_THAT(OutputValues<float>(server_.MustInfer(request), "embedding"),
              ElementsAre(1005, 1006, 1007, 1008));
}

TEST_F(KserveInferTest, AttentionLayer) {
  ModelInferRequest request = RequestFor("layer");
  const std::vector<float> query = {1, 2, 3, 4, 5, 6, 7, 8};
  AddRaw(&request, "query", "FP32", {1, 2, 4}, query);
  const ModelInferResponse response = server_.MustInfer(request);
  EXPECT_THAT(OutputShape(response, "output"), ElementsAre(1, 2, 4));
  EXPECT_EQ(OutputValues<float>(response, "output"), query) << "the fake copies";
  WantOutputs(&request, {"weights"});
  EXPECT_THAT(OutputShape(server_.MustInfer(request), "weights"), ElementsAre(1, 3, 2, 2));
}

TEST_F(KserveInferTest, AttentionLayerErrors) {
  ModelInferRequest request = RequestFor("layer");
  AddRaw<float>(&request, "query", "FP32", {2, 1, 4}, std::vector<float>(8));
  ModelInferRequest value_alone = request;
  AddRaw<float>(&value_alone, "value", "FP32", {2, 1, 4}, std::vector<float>(8));
  ExpectInvalid(value_alone, "inputs.key", {"missing"});
  ModelInferRequest batch = request;
  AddRaw<float>(&batch, "key", "FP32", {1, 2, 4}, std::vector<float>(8));
  ExpectInvalid(batch, "inputs.key", {"[1, 2, 4]", "2", "query"});
  ModelInferRequest lengths = request;
  AddRaw<int64_t>(&lengths, "kv_lengths", "INT64", {2}, {1, 2});
  ExpectInvalid(lengths, "inputs.kv_lengths", {"element 1 is 2", "1"});
  ModelInferRequest channels = RequestFor("layer");
  AddRaw<float>(&channels, "query", "FP32", {1, 1, 5}, std::vector<float>(5));
  ExpectInvalid(channels, "inputs.query", {"[1, 1, 5]", "[-1, -1, 4]"});
  ModelInferRequest empty = RequestFor("layer");
  AddRaw<float>(&empty, "query", "FP32", {1, 0, 4}, {});
  ExpectInvalid(empty, "inputs.query", {"at least one position"});
}

TEST_F(KserveInferTest, UnknownModelAndVersion) {
  ExpectError(RequestFor("nobody"), grpc::StatusCode::NOT_FOUND, "", {"nobody"});
  ModelInferRequest version = SmallestAttention();
  version.set_model_version("9");
  ExpectError(version, grpc::StatusCode::NOT_FOUND, "", {"9"});
}

TEST_F(KserveInferTest, AttentionErrorsNameTheField) {
  ModelInferRequest heads = RequestFor("attention");
  AddRaw<float>(&heads, "query", "FP32", {1, 2, 1, 1}, {1, 1});
  AddRaw<float>(&heads, "key", "FP32", {1, 1, 1, 2}, {1, 1});
  AddRaw<float>(&heads, "value", "FP32", {1, 1, 1, 1}, {1});
  ExpectInvalid(heads, "inputs.key", {"head dim 2", "1"});
  ModelInferRequest window = SmallestAttention();
  (*window.mutable_parameters())["window"].set_int64_param(0);
  ExpectInvalid(window, "parameters.window", {"0", "at least 1"});
  ModelInferRequest mask = SmallestAttention();
  AddRaw<uint8_t>(&mask, "mask", "BOOL", {1, 1, 1, 1}, {2});
  ExpectInvalid(mask, "inputs.mask", {"2", "0 or 1"});
}

TEST_F(KserveInferTest, TextErrorsNameTheField) {
  const std::string long_text(100, 'x');
  ExpectInvalid(Classify({"short", long_text}), "inputs.text.row 1", {"102", "32"});
  ModelInferRequest truncated = Classify({long_text});
  (*truncated.mutable_parameters())["truncate"].set_bool_param(true);
  WantOutputs(&truncated, {"input_ids"});
  EXPECT_THAT(OutputShape(server_.MustInfer(truncated), "input_ids"), ElementsAre(1, 32));
  for (const auto& [side, first] : std::map<std::string, int64_t>{{"right", 0}, {"left", 123}}) {
    (*truncated.mutable_parameters())["truncation_side"].set_string_param(side);
    EXPECT_EQ(OutputValues<int64_t>(server_.MustInfer(truncated), "input_ids")[0], first) << side;
  }
  (*truncated.mutable_parameters())["truncation_side"].set_string_param("middle");
  ExpectInvalid(truncated, "parameters.truncation_side", {"\"middle\"", "left"});
  ModelInferRequest ids_only = Classify({"a"});
  ids_only.set_model_name("ids-only");
  ExpectInvalid(ids_only, "inputs.text", {"no tokenizer"});
}

TEST_F(KserveInferTest, ParameterErrorsNameTheParameter) {
  ModelInferRequest unknown = Classify({"a"});
  (*unknown.mutable_parameters())["temperature"].set_double_param(1);
  ExpectInvalid(unknown, "parameters", {"\"temperature\"", "truncate"});
  for (const char* of_embeddings : {"normalize", "pooling", "dimensions"}) {
    ModelInferRequest request = Classify({"a"});
    (*request.mutable_parameters())[of_embeddings].set_bool_param(true);
    ExpectInvalid(request, "parameters", {of_embeddings});
  }
  ModelInferRequest pooling = RequestFor("encoder");
  AddRawText(&pooling, "text", {"a"});
  (*pooling.mutable_parameters())["pooling"].set_string_param("max");
  ExpectInvalid(pooling, "parameters.pooling", {"\"max\"", "mean", "cls"});
  (*pooling.mutable_parameters())["pooling"].set_string_param("mean");
  (*pooling.mutable_parameters())["dimensions"].set_int64_param(5);
  ExpectInvalid(pooling, "parameters.dimensions", {"5", "4"});
  ModelInferRequest timeout = Classify({"a"});
  (*timeout.mutable_parameters())["timeout"].set_int64_param(-1);
  ExpectInvalid(timeout, "parameters.timeout", {"-1"});
  ModelInferRequest id = Classify({"a"});
  id.set_id(std::string(1025, 'x'));
  ExpectInvalid(id, "id", {"1025", "1024"});
}

TEST_F(KserveInferTest, PriorityAndTimeoutAreAccepted) {
  ModelInferRequest request = SmallestAttention();
  (*request.mutable_parameters())["priority"].set_uint64_param(1);
  (*request.mutable_parameters())["timeout"].set_int64_param(60'000'000);
  (*request.mutable_parameters())["triton_enable_empty_final_response"].set_bool_param(true);
  EXPECT_EQ(server_.MustInfer(request).outputs_size(), 1);
}

TEST_F(KserveInferTest, BytesThatAreNoMessage) {
  const grpc::Status status = server_.CallRaw("ModelInfer", "\xff\xff\xff\xff");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  std::string invalid_utf8 = "\x0a\x02\xff\xfe";  // model_name
  EXPECT_EQ(server_.CallRaw("ModelInfer", invalid_utf8).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  // Millions of empty inputs take two bytes each, and a hundred times that when parsed.
  std::string inputs;
  for (int i = 0; i < 1'000'000; ++i) inputs.append("\x2a\x00", 2);
  const grpc::Status many = server_.CallRaw("ModelInfer", inputs);
  EXPECT_EQ(many.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(many.error_message(), HasSubstr("inputs"));
}

TEST_F(KserveInferTest, CountsEveryOutcome) {
  server_.MustInfer(Classify({"a"}));
  ModelInferResponse response;
  ModelInferRequest wrong = Classify({"a"});
  WantOutputs(&wrong, {"laurel"});
  EXPECT_FALSE(server_.Infer(wrong, &response).ok());
  EXPECT_FALSE(server_.Infer(RequestFor("nobody"), &response).ok());
  const auto count = [this](const std::string& code, const std::string& model,
                            const std::string& task) {
    return server_.Metric("attentiond_requests_total{code=\"" + code +
                          "\",method=\"ModelInfer\",model=\"" + model + "\",task=\"" + task +
                          "\"}");
  };
  EXPECT_EQ(count("OK", "sentiment", "sequence_classification"), 1);
  EXPECT_EQ(count("INVALID_ARGUMENT", "sentiment", "sequence_classification"), 1);
  EXPECT_EQ(count("NOT_FOUND", "", ""), 1);
  EXPECT_EQ(server_.Metric("attentiond_in_flight_requests"), 0);
}

}  // namespace
}  // namespace attentiond::testing
