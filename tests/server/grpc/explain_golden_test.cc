// tests/server/grpc/explain_golden_test.cc -- rollouts and attributions that PyTorch computed,
// through attentiond.v1 on a real server and real checkpoints.
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

v1::ExplainRequest RequestOf(const json& golden_case) {
  v1::ExplainRequest request;
  request.set_model(golden_case.at("model").get<std::string>());
  AddInput(golden_case, &request);
  return request;
}

class ExplainGoldenTest : public ::testing::Test {
 protected:
  v1::ExplainResponse Explain(const v1::ExplainRequest& request) {
    grpc::ClientContext context;
    v1::ExplainResponse response;
    const grpc::Status status = server_.stub().Explain(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  const GoldenModel golden_{"explain"};
  AttentionTestServer server_{Serving({"bert-classify", "distilbert-classify", "bert-embed"})};
};

TEST_F(ExplainGoldenTest, RollsOutEveryLayer) {
  for (const json& golden_case : golden_.cases()) {
    SCOPED_TRACE(golden_case.at("name").get<std::string>());
    v1::ExplainRequest request = RequestOf(golden_case);
    request.set_reduction(v1::ATTENTION_REDUCTION_ROLLOUT);
    const int64_t layers = golden_.tensor(golden_case, "rollout").shape.dim(0);
    for (int32_t layer = 0; layer < layers; ++layer) request.add_layers(layer);
    const v1::ExplainResponse response = Explain(request);
    std::vector<float> maps;
    for (const v1::AttentionMap& map : response.results(0).maps()) {
      std::vector<float> weights(map.weights().data().size() / sizeof(float));
      std::memcpy(weights.data(), map.weights().data().data(), map.weights().data().size());
      maps.insert(maps.end(), weights.begin(), weights.end());
    }
    // Rows sum to one, and what a row is multiplied with is off by the attentions' tolerance.
    ExpectNear(maps, golden_.array(golden_case, "rollout"),
               golden_.tolerance() * static_cast<float>(layers), "rollout");
  }
}

TEST_F(ExplainGoldenTest, LeavesOutEveryWord) {
  for (const json& golden_case : golden_.cases()) {
    SCOPED_TRACE(golden_case.at("name").get<std::string>());
    v1::ExplainRequest request = RequestOf(golden_case);
    request.set_attribute_words(true);
    const v1::ExplainResponse response = Explain(request);
    const v1::Attribution& attribution = response.results(0).attribution();
    const json& words = golden_case.at("words");
    ASSERT_EQ(attribution.words_size(), static_cast<int>(words.size()));
    for (int i = 0; i < attribution.words_size(); ++i) {
      const v1::WordAttribution& word = attribution.words(i);
      const json& expected = words[static_cast<size_t>(i)];
      EXPECT_EQ(word.text(), expected.at("text").get<std::string>());
      EXPECT_EQ(word.sequence(), expected.at("sequence"));
      EXPECT_EQ(word.char_begin(), expected.at("char_begin"));
      EXPECT_EQ(word.char_end(), expected.at("char_end"));
      EXPECT_EQ(word.byte_begin(), expected.at("byte_begin"));
      EXPECT_EQ(word.byte_end(), expected.at("byte_end"));
      if (expected.contains("cosine")) {
        EXPECT_NEAR(word.cosine_effect(), 1 - expected.at("cosine").get<double>(),
                    golden_.tolerance());
        continue;
      }
      const std::vector<double> whole = golden_case.at("logits"), without = expected.at("logits");
      ASSERT_EQ(whole.size(), 2u);
      const size_t best = whole[1] > whole[0] ? 1 : 0;
      EXPECT_EQ(attribution.label(), best == 1 ? "POSITIVE" : "NEGATIVE");
      // Both sides of the difference are off by the logits' tolerance; a probability moves less.
      const auto score = [best](const std::vector<double>& logits) {
        return 1 / (1 + std::exp(logits[1 - best] - logits[best]));
      };
      EXPECT_NEAR(word.logit_effect(), whole[best] - without[best], 2 * golden_.tolerance());
      EXPECT_NEAR(word.score_effect(), score(whole) - score(without), 2 * golden_.tolerance());
    }
  }
}

}  // namespace
}  // namespace attentiond::testing
