// tests/server/grpc/attention_service_golden_test.cc -- what PyTorch computed, through
// attentiond.v1 on a real server and real checkpoints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "tests/server/grpc/attention_service_test_server.h"
#include "tests/server/grpc/golden_requests.h"
#include "tests/testing/expect_near.h"
#include "tests/testing/golden_model.h"

namespace attentiond::testing {
namespace {

using nlohmann::json;

std::vector<float> Floats(const v1::Tensor& tensor) {
  std::vector<float> values(tensor.data().size() / sizeof(float));
  std::memcpy(values.data(), tensor.data().data(), tensor.data().size());
  return values;
}

/// The golden cases of a model as the inputs of one request.
template <typename Request>
Request RequestOf(const GoldenModel& golden, const std::string& name) {
  Request request;
  request.set_model(name);
  for (const json& golden_case : golden.cases()) {
    AddInput(golden_case, &request);
  }
  return request;
}

class GoldenTest : public ::testing::Test {
 protected:
  // The messages of the RPC `method` of the stub.
  template <typename Request, typename Response>
  Response Call(grpc::Status (v1::AttentionService::Stub::*method)(grpc::ClientContext*,
                                                                   const Request&, Response*),
                const Request& request) {
    grpc::ClientContext context;
    Response response;
    const grpc::Status status = (server_.stub().*method)(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  AttentionTestServer server_{Serving(
      {"bert-classify", "distilbert-classify", "roberta-classify", "bert-embed", "xlmr-embed"})};
};

TEST_F(GoldenTest, ClassifiesTogetherAndAlone) {
  for (const std::string name : {"bert-classify", "distilbert-classify", "roberta-classify"}) {
    const GoldenModel golden(name);
    const auto request = RequestOf<v1::ClassifyRequest>(golden, name);
    const auto together = Call(&v1::AttentionService::Stub::Classify, request);
    ASSERT_EQ(together.results_size(), static_cast<int>(golden.cases().size()));
    for (int i = 0; i < together.results_size(); ++i) {
      const json& golden_case = golden.cases()[static_cast<size_t>(i)];
      SCOPED_TRACE(name + " " + golden_case.at("name").get<std::string>());
      v1::ClassifyRequest one;
      one.set_model(name);
      *one.add_inputs() = request.inputs(i);
      const auto alone = Call(&v1::AttentionService::Stub::Classify, one);
      EXPECT_EQ(alone.input_tokens(), static_cast<int64_t>(golden_case.at("input_ids").size()));
      for (const v1::Classification& result : {together.results(i), alone.results(0)}) {
        ASSERT_EQ(result.labels_size(), static_cast<int>(golden_case.at("scores").size()));
        EXPECT_GE(result.labels(0).score(), result.labels(1).score());
        for (const v1::LabelScore& label : result.labels()) {
          // A probability moves by less than the logits do.
          EXPECT_NEAR(label.score(), golden_case.at("scores").at(label.label()).get<float>(),
                      golden.tolerance());
        }
      }
    }
  }
}

TEST_F(GoldenTest, Embeds) {
  struct Case {
    const char* model;
    v1::Pooling pooling;
    const char* expected;
  };
  for (const Case& c : {Case{"bert-embed", v1::POOLING_MEAN, "mean_pooled_normalized"},
                        Case{"bert-embed", v1::POOLING_CLS, "cls_normalized"},
                        Case{"xlmr-embed", v1::POOLING_MEAN, "mean_pooled_normalized"},
                        Case{"xlmr-embed", v1::POOLING_CLS, "cls_normalized"}}) {
    const GoldenModel golden(c.model);
    auto request = RequestOf<v1::EmbedRequest>(golden, c.model);
    request.set_pooling(c.pooling);
    const auto response = Call(&v1::AttentionService::Stub::Embed, request);
    ASSERT_EQ(response.results_size(), static_cast<int>(golden.cases().size()));
    for (int i = 0; i < response.results_size(); ++i) {
      ExpectNear(response.results(i).values(),
                 golden.cases()[static_cast<size_t>(i)].at(c.expected).get<std::vector<float>>(),
                 golden.tolerance(), c.expected);
    }
  }
}

TEST_F(GoldenTest, TokenizesEveryText) {
  for (const std::string name :
       {"bert-classify", "distilbert-classify", "roberta-classify", "bert-embed", "xlmr-embed"}) {
    const GoldenModel golden(name);
    for (const json& expected : golden.description().at("tokenize")) {
      SCOPED_TRACE(name + ": " + expected.at("text").get<std::string>());
      v1::TokenizeRequest request;
      request.set_model(name);
      request.set_truncate(true);  // as the reference did
      request.set_decode(true);
      v1::TextInput* const input = request.add_inputs();
      input->set_text(expected.at("text").get<std::string>());
      if (expected.contains("pair")) input->set_text_pair(expected["pair"].get<std::string>());
      request.set_skip_special_tokens(true);
      const auto response = Call(&v1::AttentionService::Stub::Tokenize, request);

      json ids = json::array(), tokens = json::array(), offsets = json::array();
      for (const v1::Token& token : response.results(0).tokens()) {
        ids.push_back(token.id());
        tokens.push_back(token.text());
        offsets.push_back({token.char_begin(), token.char_end()});
      }
      EXPECT_EQ(ids, expected.at("input_ids"));
      if (!expected.contains("tokens")) continue;  // of pairs there are the ids alone
      EXPECT_EQ(tokens, expected.at("tokens"));
      EXPECT_EQ(offsets, expected.at("offsets_codepoints"));
      // The reference decoded the whole text.
      if (response.results(0).truncated_tokens() > 0) continue;
      EXPECT_EQ(response.results(0).decoded(), expected.at("decoded").get<std::string>());
    }
  }
}

TEST_F(GoldenTest, ExplainsEveryLayerAndHead) {
  const GoldenModel golden("bert-classify");
  for (const json& golden_case : golden.cases()) {
    SCOPED_TRACE(golden_case.at("name").get<std::string>());
    v1::ExplainRequest request;
    request.set_model("bert-classify");
    request.set_reduction(v1::ATTENTION_REDUCTION_NONE);
    request.add_inputs()->set_text(golden_case.at("text").get<std::string>());
    if (golden_case.contains("pair")) {
      request.mutable_inputs(0)->set_text_pair(golden_case["pair"].get<std::string>());
    }
    const auto response = Call(&v1::AttentionService::Stub::Explain, request);
    std::vector<float> maps;
    for (const v1::AttentionMap& map : response.results(0).maps()) {
      const std::vector<float> weights = Floats(map.weights());
      maps.insert(maps.end(), weights.begin(), weights.end());
    }
    ExpectNear(maps, golden.array(golden_case, "attentions"), golden.tolerance(), "attentions");
    for (const v1::LabelScore& label : response.results(0).classification().labels()) {
      EXPECT_NEAR(label.score(), golden_case.at("scores").at(label.label()).get<float>(),
                  golden.tolerance());
    }
  }
}

TEST_F(GoldenTest, ListsWhatIsInTheCheckpoints) {
  const auto response = Call(&v1::AttentionService::Stub::ListModels, v1::ListModelsRequest());
  ASSERT_EQ(response.models_size(), 6);  // the built-in too
  const v1::ModelDescription& model = response.models(1);
  EXPECT_EQ(model.name(), "bert-classify");
  EXPECT_EQ(model.architecture(), "bert");
  EXPECT_EQ(model.num_layers(), 3);
  EXPECT_EQ(model.num_heads(), 4);
  EXPECT_EQ(model.hidden_size(), 64);
  EXPECT_THAT(model.labels(), ::testing::ElementsAre("NEGATIVE", "POSITIVE"));
  EXPECT_GT(model.parameter_bytes(), 0);
}

v1::Tensor ToTensor(const GoldenModel& golden, const json& golden_case, const std::string& what,
                    const std::vector<int64_t>& shape) {
  const auto values = golden.array(golden_case, what);
  v1::Tensor tensor;
  tensor.set_dtype(v1::DATA_TYPE_FP32);
  tensor.mutable_shape()->Assign(shape.begin(), shape.end());
  tensor.set_data(values.data(), values.size() * sizeof(float));
  return tensor;
}

v1::AttendRequest AttendRequestOf(const GoldenModel& golden, const json& c) {
  const int64_t batch = c.at("batch"), heads = c.at("heads"), kv_heads = c.at("kv_heads");
  const int64_t q_len = c.at("q_len"), kv_len = c.at("kv_len");
  const int64_t head_dim = c.at("head_dim"), value_dim = c.at("value_dim");
  v1::AttendRequest request;
  *request.mutable_query() = ToTensor(golden, c, "q", {batch, heads, q_len, head_dim});
  *request.mutable_key() = ToTensor(golden, c, "k", {batch, kv_heads, kv_len, head_dim});
  *request.mutable_value() = ToTensor(golden, c, "v", {batch, kv_heads, kv_len, value_dim});
  if (c.contains("bias")) {
    const bool full = c["bias"] == "full";
    *request.mutable_bias() =
        ToTensor(golden, c, "bias", {full ? batch : 1, full ? heads : 1, q_len, kv_len});
  }
  if (c.contains("mask")) {
    const TensorView mask = golden.tensor(c, "mask");
    v1::Tensor* const tensor = request.mutable_mask();
    tensor->set_dtype(v1::DATA_TYPE_BOOL);
    tensor->mutable_shape()->Assign(mask.shape.dims().begin(), mask.shape.dims().end());
    tensor->set_data(mask.data, mask.num_bytes());
  }
  if (c.contains("kv_lengths")) {
    for (const int64_t length : c["kv_lengths"]) request.add_kv_lengths(length);
  }
  if (c.contains("scale")) request.set_scale(c["scale"]);
  if (c.contains("softcap")) request.set_softcap(c["softcap"]);
  if (c.contains("window")) request.set_window(c["window"]);
  request.set_causal(c.value("causal", false));
  request.set_return_weights(true);
  request.set_return_lse(true);
  return request;
}

TEST_F(GoldenTest, AttendsAsTheDefinitionSays) {
  const GoldenModel golden("sdpa");
  const float tolerance = golden.description().at("tolerance_f32");
  for (const json& golden_case : golden.cases()) {
    SCOPED_TRACE(golden_case.dump());
    const auto response =
        Call(&v1::AttentionService::Stub::Attend, AttendRequestOf(golden, golden_case));
    ExpectNear(Floats(response.output()), golden.array(golden_case, "out"), tolerance, "output");
    if (golden.has(golden_case, "weights")) {
      ExpectNear(Floats(response.weights()), golden.array(golden_case, "weights"), tolerance,
                 "weights");
    }
    const std::vector<float> lse = Floats(response.lse());
    const auto expected = golden.array(golden_case, "lse");
    ASSERT_EQ(lse.size(), expected.size());
    for (size_t i = 0; i < lse.size(); ++i) {
      // -inf where nothing is seen; the difference of two of them is no number.
      if (lse[i] == expected[i]) continue;
      // Large scores are rounded relatively.
      EXPECT_NEAR(lse[i], expected[i], tolerance * std::max(1.0f, std::abs(expected[i]))) << i;
    }
  }
}

}  // namespace
}  // namespace attentiond::testing
