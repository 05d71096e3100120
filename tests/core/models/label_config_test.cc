#include "core/models/label_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attentiond {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

TEST(LabelConfigTest, OrdersLabelsById) {
  const auto labels = ParseLabelConfig({{"id2label",
                                         {{"10", "k"},
                                          {"2", "c"},
                                          {"0", "a"},
                                          {"1", "b"},
                                          {"3", "d"},
                                          {"4", "e"},
                                          {"5", "f"},
                                          {"6", "g"},
                                          {"7", "h"},
                                          {"8", "i"},
                                          {"9", "j"}}}});
  ASSERT_TRUE(labels.ok()) << labels.status();
  EXPECT_THAT(labels->labels, ElementsAre("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"));
  EXPECT_EQ(labels->score_function, ScoreFunction::kSoftmax);
}

TEST(LabelConfigTest, NamesLabelsAsTransformersDoes) {
  EXPECT_THAT(ParseLabelConfig(json::object())->labels, ElementsAre("LABEL_0", "LABEL_1"));
  EXPECT_THAT(ParseLabelConfig({{"num_labels", 3}, {"id2label", nullptr}})->labels,
              ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
}

TEST(LabelConfigTest, ChoosesTheScoreFunctionAsTransformersPipelinesDo) {
  const auto function = [](const json& config) { return ParseLabelConfig(config)->score_function; };
  EXPECT_EQ(function({{"num_labels", 2}}), ScoreFunction::kSoftmax);
  EXPECT_EQ(function({{"num_labels", 1}}), ScoreFunction::kSigmoid);
  EXPECT_EQ(function({{"problem_type", "single_label_classification"}}), ScoreFunction::kSoftmax);
  EXPECT_EQ(function({{"problem_type", "multi_label_classification"}}), ScoreFunction::kSigmoid);
  EXPECT_EQ(function({{"num_labels", 1}, {"problem_type", "regression"}}),
            ScoreFunction::kIdentity);
  EXPECT_EQ(function({{"problem_type", nullptr}}), ScoreFunction::kSoftmax);
  // With one label the pipeline looks at nothing else.
  EXPECT_EQ(function({{"num_labels", 1}, {"problem_type", "single_label_classification"}}),
            ScoreFunction::kSigmoid);
}

TEST(LabelConfigTest, OneLabelMayBeACrossEncoderWithAnActivationOfItsOwn) {
  const auto function = [](const json& config) { return ParseLabelConfig(config)->score_function; };
  const char* const identity = "torch.nn.modules.linear.Identity";
  const char* const sigmoid = "torch.nn.modules.activation.Sigmoid";
  EXPECT_EQ(function({{"num_labels", 1}, {"sbert_ce_default_activation_function", identity}}),
            ScoreFunction::kIdentity);
  EXPECT_EQ(function({{"num_labels", 1}, {"sbert_ce_default_activation_function", sigmoid}}),
            ScoreFunction::kSigmoid);
  EXPECT_EQ(function({{"num_labels", 1}, {"sentence_transformers", {{"activation_fn", identity}}}}),
            ScoreFunction::kIdentity);
  EXPECT_EQ(function({{"num_labels", 1}, {"sentence_transformers", {{"version", "5.0"}}}}),
            ScoreFunction::kSigmoid);
  EXPECT_EQ(ParseLabelConfig(
                {{"num_labels", 1}, {"sbert_ce_default_activation_function", "torch.nn.Mish"}})
                .status(),
            absl::UnimplementedError(
                "the activation \"torch.nn.Mish\" of a cross-encoder is not supported, only "
                "torch.nn.modules.activation.Sigmoid and torch.nn.modules.linear.Identity"));
}

TEST(LabelConfigTest, RefusesWhatIsNoSetOfLabels) {
  const struct {
    json config;
    std::string message;
  } cases[] = {
      {{{"num_labels", 0}}, R"("num_labels" is 0, 1 to 65536 is required)"},
      {{{"num_labels", 65537}}, R"("num_labels" is 65537, 1 to 65536 is required)"},
      {{{"num_labels", "2"}}, R"("num_labels" is "2", an integer is required)"},
      {{{"id2label", json::object()}}, R"("id2label" must be an object of 1 to 65536 labels)"},
      {{{"id2label", {"a", "b"}}}, R"("id2label" must be an object of 1 to 65536 labels)"},
      {{{"id2label", {{"0", "a"}, {"2", "b"}}}},
       R"("id2label" has the key "2" among 2, the ids 0 to 1 are required)"},
      {{{"id2label", {{"-1", "a"}}}},
       R"("id2label" has the key "-1" among 1, the ids 0 to 0 are required)"},
      {{{"id2label", {{"first", "a"}}}},
       R"("id2label" has the key "first" among 1, the ids 0 to 0 are required)"},
      {{{"id2label", {{"1", "a"}, {"01", "b"}}}}, R"("id2label" has no label 0 among its 2)"},
      {{{"id2label", {{"0", 7}}}}, R"("id2label": label 0 is not a string)"},
      {{{"id2label", {{"0", "a"}, {"1", "b"}}}, {"num_labels", 3}},
       R"("num_labels" is 3, but "id2label" has 2 labels)"},
      {{{"problem_type", "ranking"}},
       R"("problem_type" is "ranking", single_label_classification, )"
       "multi_label_classification or regression is required"},
  };
  for (const auto& [config, message] : cases) {
    EXPECT_EQ(ParseLabelConfig(config).status(), absl::InvalidArgumentError(message)) << config;
  }
}

}  // namespace
}  // namespace attentiond
