// tests/server/inference/classification_test.cc -- scores by every function, labels in order.
#include "server/inference/classification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;

// An exponential, a sum and a division, each rounded to 2^-24.
constexpr float kTolerance = 1e-6f;

ModelInfo Labelled(ScoreFunction function) {
  ModelInfo info;
  info.kind = ModelKind::kSequenceClassification;
  info.score_function = function;
  info.labels = {"bad", "good", "mixed"};
  return info;
}

std::vector<std::string> Names(const std::vector<RankedLabel>& ranked) {
  std::vector<std::string> names;
  for (const RankedLabel& label : ranked) names.push_back(label.label);
  return names;
}

TEST(LabelScoresTest, AppliesTheFunctionOfTheModel) {
  const float ln2 = std::log(2.0f);
  EXPECT_THAT(LabelScores(Labelled(ScoreFunction::kSoftmax), {0, ln2, 0}),
              ElementsAre(FloatNear(0.25f, kTolerance), FloatNear(0.5f, kTolerance),
                          FloatNear(0.25f, kTolerance)));
  EXPECT_THAT(LabelScores(Labelled(ScoreFunction::kSigmoid), {0, ln2, -ln2}),
              ElementsAre(FloatNear(0.5f, kTolerance), FloatNear(2.0f / 3, kTolerance),
                          FloatNear(1.0f / 3, kTolerance)));
  EXPECT_THAT(LabelScores(Labelled(ScoreFunction::kIdentity), {-3, 4, 5}), ElementsAre(-3, 4, 5));
}

TEST(LabelScoresTest, LargeLogitsDoNotOverflow) {
  EXPECT_THAT(LabelScores(Labelled(ScoreFunction::kSoftmax), {1000, -1000, 1000}),
              ElementsAre(0.5f, 0, 0.5f));
  EXPECT_THAT(LabelScores(Labelled(ScoreFunction::kSigmoid), {1000, -1000, 0}),
              ElementsAre(1, 0, 0.5f));
}

TEST(RankLabelsTest, BestFirstThenById) {
  const ModelInfo info = Labelled(ScoreFunction::kSoftmax);
  const auto ranked = RankLabels(info, {0.2f, 0.5f, 0.3f}, 0);
  EXPECT_THAT(Names(ranked), ElementsAre("good", "mixed", "bad"));
  EXPECT_EQ(ranked[0].id, 1);
  EXPECT_EQ(ranked[0].score, 0.5f);
  EXPECT_THAT(Names(RankLabels(info, {0.4f, 0.2f, 0.4f}, 0)), ElementsAre("bad", "mixed", "good"));
}

TEST(RankLabelsTest, KeepsAsManyAsAsked) {
  const ModelInfo info = Labelled(ScoreFunction::kSoftmax);
  const std::vector<float> scores = {0.2f, 0.5f, 0.3f};
  EXPECT_THAT(Names(RankLabels(info, scores, 1)), ElementsAre("good"));
  EXPECT_THAT(Names(RankLabels(info, scores, 2)), ElementsAre("good", "mixed"));
  for (const int64_t all : {int64_t{0}, int64_t{3}, std::numeric_limits<int64_t>::max()}) {
    EXPECT_THAT(Names(RankLabels(info, scores, all)), ElementsAre("good", "mixed", "bad"));
  }
  EXPECT_TRUE(RankLabels(info, {}, 0).empty());
}

TEST(RankLabelsTest, NumbersClassesWithoutAName) {
  ModelInfo info = Labelled(ScoreFunction::kSoftmax);
  info.labels.resize(1);
  EXPECT_THAT(Names(RankLabels(info, {0.2f, 0.5f}, 0)), ElementsAre("LABEL_1", "bad"));
}

TEST(RankLabelsTest, PutsNanLast) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto ranked = RankLabels(Labelled(ScoreFunction::kIdentity), {nan, -1.0f, 2.0f}, 0);
  EXPECT_THAT(Names(ranked), ElementsAre("mixed", "good", "bad"));
  EXPECT_TRUE(std::isnan(ranked[2].score));
}

}  // namespace
}  // namespace attentiond
