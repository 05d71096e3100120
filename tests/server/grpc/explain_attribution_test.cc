// tests/server/grpc/explain_attribution_test.cc -- Explain's attribution over gRPC: each word left
// out by the server, and by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "tests/server/grpc/explain_fixture.h"

namespace attentiond::testing {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Texts(const v1::Attribution& attribution) {
  std::vector<std::string> texts;
  for (const v1::WordAttribution& word : attribution.words()) texts.push_back(word.text());
  return texts;
}

class ExplainAttributionTest : public ExplainFixture {
 protected:
  static v1::ExplainRequest Request(const std::vector<std::string>& texts) {
    v1::ExplainRequest request;
    request.set_model("sentiment");
    request.set_reduction(v1::ATTENTION_REDUCTION_NO_MAPS);
    request.set_attribute_words(true);
    for (const std::string& text : texts) request.add_inputs()->set_text(text);
    return request;
  }
  /// The scores that Classify gives, by label.
  std::map<std::string, float> Scores(const v1::TextInput& input) {
    v1::ClassifyRequest request;
    request.set_model("sentiment");
    *request.add_inputs() = input;
    v1::ClassifyResponse response;
    grpc::ClientContext context;
    EXPECT_TRUE(server_.stub().Classify(&context, request, &response).ok());
    std::map<std::string, float> scores;
    for (const auto& label : response.results(0).labels()) scores[label.label()] = label.score();
    return scores;
  }
};

TEST_F(ExplainAttributionTest, IsWhatClassifySaysWithoutEachWord) {
  v1::ExplainRequest request = Request({"bad c", "a"});
  request.mutable_inputs(1)->set_text_pair("\u00e9a b");
  const v1::ExplainResponse response = Good(request);
  ASSERT_EQ(response.results_size(), 2);
  for (int i = 0; i < 2; ++i) {
    const v1::TextInput& input = request.inputs(i);
    const v1::Attribution& attribution = response.results(i).attribution();
    EXPECT_EQ(attribution.label(), "good");
    const std::map<std::string, float> whole = Scores(input);
    EXPECT_EQ(attribution.score(), whole.at("good"));
    for (const v1::WordAttribution& word : attribution.words()) {
      SCOPED_TRACE(word.text());
      v1::TextInput without = input;
      std::string* const text =
          word.sequence() == 0 ? without.mutable_text() : without.mutable_text_pair();
      EXPECT_EQ(text->substr(static_cast<size_t>(word.byte_begin()), word.text().size()),
                word.text());
      text->erase(static_cast<size_t>(word.byte_begin()),
                  static_cast<size_t>(word.byte_end() - word.byte_begin()));
      // A row's result does not depend on its batch: equal to the last bit.
      EXPECT_EQ(word.score_effect(), whole.at("good") - Scores(without).at("good"));
      EXPECT_GT(word.logit_effect(), 0);
      EXPECT_FALSE(word.has_cosine_effect());
    }
  }
  EXPECT_THAT(Texts(response.results(0).attribution()), ElementsAre("bad", "c"));
  EXPECT_THAT(Texts(response.results(1).attribution()), ElementsAre("a", "\u00e9a", "b"));
  const v1::WordAttribution& word = response.results(1).attribution().words(1);
  EXPECT_EQ(word.sequence(), 1);
  EXPECT_EQ(word.word_index(), 0);
  EXPECT_EQ(word.char_end(), 2);
  EXPECT_EQ(word.byte_end(), 3);
  // Whole: 4 tokens and two special ones; without its words 3 and 5. The pair: 4 and three special
  // ones; without its words 6, 5 and 6.
  EXPECT_EQ(response.input_tokens(), 6 + 3 + 5 + 7 + 6 + 5 + 6);
}

TEST_F(ExplainAttributionTest, TakesTheLabelThatIsAskedFor) {
  v1::ExplainRequest request = Request({"bad c"});
  const v1::WordAttribution best = Good(request).results(0).attribution().words(0);
  request.set_attribution_label("bad");
  const v1::Attribution attribution = Good(request).results(0).attribution();
  EXPECT_EQ(attribution.label(), "bad");
  // Of two labels one gains what the other loses; the fake's logit of "bad" is always 0.
  EXPECT_FLOAT_EQ(attribution.words(0).score_effect(), -best.score_effect());
  EXPECT_EQ(attribution.words(0).logit_effect(), 0);
  request.set_attribution_label("worse");
  ExpectBad(request, "attribution_label",
            "attribution_label: \"worse\", required one of bad, good");
  request.set_model("encoder");
  ExpectBad(request, "attribution_label",
            "attribution_label: \"worse\", required none: the model does not classify");
}

TEST_F(ExplainAttributionTest, OfAnEmbeddingIsItsTurn) {
  v1::ExplainRequest request = Request({"a bc"});
  request.set_model("encoder");
  const v1::ExplainResponse response = Good(request);
  const v1::Attribution& attribution = response.results(0).attribution();
  EXPECT_THAT(Texts(attribution), ElementsAre("a", "bc"));
  EXPECT_EQ(attribution.label(), "");
  // Of ids that sum to X the embedding is (X, X + 1, X + 2, X + 3).
  const auto cosine = [](double a, double b) {
    const double dot = 4 * a * b + 6 * (a + b) + 14;
    return dot / std::sqrt((4 * a * a + 12 * a + 14) * (4 * b * b + 12 * b + 14));
  };
  const double a = 3 + 'a', bc = 6 + 'b' + 'c', special = 1;
  // Embeddings are f32, normalized: each of the products' terms is off by a few units.
  constexpr double kTolerance = 8 * 0x1p-24;
  EXPECT_NEAR(attribution.words(0).cosine_effect(), 1 - cosine(a + bc + special, bc + special),
              kTolerance);
  EXPECT_NEAR(attribution.words(1).cosine_effect(), 1 - cosine(a + bc + special, a + special),
              kTolerance);
  EXPECT_FALSE(attribution.words(0).has_score_effect());
}

TEST_F(ExplainAttributionTest, GoesWithMaps) {
  v1::ExplainRequest request = Request({"ab c"});
  request.set_reduction(v1::ATTENTION_REDUCTION_MEAN_ALL);
  const v1::ExplainResponse response = Good(request);
  EXPECT_EQ(response.results(0).maps_size(), 1);
  EXPECT_EQ(response.results(0).attribution().words_size(), 2);
}

TEST_F(ExplainAttributionTest, NothingToLeaveOut) {
  const v1::ExplainResponse response = Good(Request({""}));
  ASSERT_TRUE(response.results(0).has_attribution());
  EXPECT_EQ(response.results(0).attribution().words_size(), 0);
  EXPECT_EQ(response.results(0).attribution().label(), "good");
}

TEST_F(ExplainAttributionTest, LeavesOutWhatTruncationLeft) {
  v1::ExplainRequest request = Request({std::string(40, 'a') + " b"});
  request.set_truncate(true);
  EXPECT_THAT(Texts(Good(request).results(0).attribution()), ElementsAre(std::string(31, 'a')));
}

TEST_F(ExplainAttributionTest, BoundsTheWordsOfACall) {
  std::string ten;
  for (int i = 0; i < 10; ++i) ten += "a ";
  // 51 inputs of 10 words and one of 3.
  std::vector<std::string> texts(51, ten);
  texts.push_back("a b c");
  v1::ExplainRequest request = Request(texts);
  ExpectBad(request, "inputs", "inputs: 513 words to leave out, required at most 512 in one call");
  request.mutable_inputs(51)->set_text("a b");
  EXPECT_EQ(Good(request).results_size(), 52);
}

TEST(ExplainAttributionBatchTest, RunsTheWordsTogether) {
  Mutex mutex;
  std::vector<int64_t> batches;
  AttentionTestServer::Options options;
  options.models["sentiment"].on_run = [&](int64_t rows) {
    MutexLock lock(&mutex);
    batches.push_back(rows);
    return absl::OkStatus();
  };
  AttentionTestServer server(options);
  v1::ExplainRequest request;
  request.set_model("sentiment");
  request.set_attribute_words(true);
  request.add_inputs()->set_text("a b c d");
  v1::ExplainResponse response;
  grpc::ClientContext context;
  ASSERT_TRUE(server.stub().Explain(&context, request, &response).ok());
  MutexLock lock(&mutex);
  EXPECT_THAT(batches, ElementsAre(5));
}

}  // namespace
}  // namespace attentiond::testing
