#include "core/models/score_function.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;

std::vector<float> Scores(ScoreFunction function, std::vector<float> logits) {
  ApplyScoreFunction(function, absl::MakeSpan(logits));
  return logits;
}

TEST(ScoreFunctionTest, SoftmaxSharesOneAmongTheLabels) {
  EXPECT_THAT(Scores(ScoreFunction::kSoftmax, {0.0f, std::log(3.0f)}),
              ElementsAre(FloatEq(0.25f), FloatEq(0.75f)));
}

TEST(ScoreFunctionTest, SigmoidJudgesEachLabelAlone) {
  EXPECT_THAT(Scores(ScoreFunction::kSigmoid, {0.0f, std::log(3.0f), -200.0f, 200.0f}),
              ElementsAre(FloatEq(0.5f), FloatEq(0.75f), 0.0f, 1.0f));
}

TEST(ScoreFunctionTest, RegressionKeepsItsValue) {
  EXPECT_THAT(Scores(ScoreFunction::kIdentity, {-3.5f}), ElementsAre(-3.5f));
}

}  // namespace
}  // namespace attentiond
