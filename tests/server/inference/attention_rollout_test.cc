// tests/server/inference/attention_rollout_test.cc -- rollouts by hand, and against PyTorch's.
#include "server/inference/attention_rollout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/testing/golden_model.h"
#include "tests/testing/tolerance.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;

/// The maps of a rollout up to each of `layers` (empty: all of them), over `heads` (empty: all).
std::vector<std::vector<float>> Rollouts(const std::vector<int32_t>& layers,
                                         const std::vector<int32_t>& heads, int64_t num_layers,
                                         int64_t num_heads, int64_t tokens,
                                         absl::Span<const float> attentions) {
  const auto plan =
      PlanAttentionMaps({layers, heads, AttentionReduction::kRollout}, num_layers, num_heads);
  EXPECT_TRUE(plan.ok()) << plan.status();
  EXPECT_TRUE(plan->is_rollout);
  std::vector<std::vector<float>> maps(
      plan->maps.size(), std::vector<float>(static_cast<size_t>(tokens * tokens), -1.0f));
  std::vector<absl::Span<float>> spans;
  for (std::vector<float>& map : maps) spans.push_back(absl::MakeSpan(map));
  WriteAttentionRollouts(*plan, attentions, num_heads, tokens, spans);
  return maps;
}

/// Two layers of two heads over two tokens. Everything below is a sum of powers of two: exact.
const std::vector<float> kAttentions = {
    1,   0,   1, 0,  // layer 0, head 0: both tokens look at the first
    1,   0,   0, 1,  //          head 1: each at itself
    0,   1,   0, 1,  // layer 1, head 0: both at the second
    0.5, 0.5, 1, 0,  //          head 1
};

TEST(AttentionRolloutTest, MultipliesTheLayersOfOneHead) {
  // M_0 = [1 0; 1/2 1/2], M_1 = [1/2 1/2; 0 1]; R_1 = M_1 M_0.
  const auto maps = Rollouts({}, {0}, 2, 2, 2, kAttentions);
  ASSERT_EQ(maps.size(), 1u);
  EXPECT_THAT(maps[0], ElementsAre(0.75f, 0.25f, 0.5f, 0.5f));
}

TEST(AttentionRolloutTest, AveragesTheHeadsFirst) {
  // A_0 = [1 0; 1/2 1/2], M_0 = [1 0; 1/4 3/4]; A_1 = [1/4 3/4; 1/2 1/2], M_1 = [5/8 3/8; 1/4 3/4].
  const auto maps = Rollouts({}, {}, 2, 2, 2, kAttentions);
  ASSERT_EQ(maps.size(), 1u);
  EXPECT_THAT(maps[0], ElementsAre(0.71875f, 0.28125f, 0.4375f, 0.5625f));
}

TEST(AttentionRolloutTest, EndsAtEachListedLayerInTheOrderOfTheList) {
  const auto maps = Rollouts({1, 0}, {0}, 2, 2, 2, kAttentions);
  ASSERT_EQ(maps.size(), 2u);
  EXPECT_THAT(maps[0], ElementsAre(0.75f, 0.25f, 0.5f, 0.5f));
  EXPECT_THAT(maps[1], ElementsAre(1, 0, 0.5f, 0.5f));
}

TEST(AttentionRolloutTest, RowsSumToOneAlsoWhereAttentionsDoNot) {
  // A token that saw nothing: its row of A is zero, that of A + I is not.
  const std::vector<float> attentions = {0, 0, 0.25, 0.25};
  EXPECT_THAT(Rollouts({}, {}, 1, 1, 2, attentions)[0], ElementsAre(1, 0, 1.0f / 6, 5.0f / 6));
}

TEST(AttentionRolloutTest, OneTokenIsMadeOfItself) {
  EXPECT_THAT(Rollouts({}, {}, 2, 1, 1, std::vector<float>{1, 1})[0], ElementsAre(1));
}

TEST(AttentionRolloutTest, AgreesWithTheReferenceAtEveryLayer) {
  const testing::GoldenModel golden("explain");
  ASSERT_FALSE(golden.cases().empty());
  for (const nlohmann::json& golden_case : golden.cases()) {
    SCOPED_TRACE(golden_case.at("name").get<std::string>());
    const testing::GoldenModel model(golden_case.at("model").get<std::string>());
    const TensorView attentions =
        model.tensor({{"name", golden_case.at("case")}}, "attentions");  // [layers, heads, S, S]
    const int64_t num_layers = attentions.shape.dim(0), num_heads = attentions.shape.dim(1);
    const int64_t tokens = attentions.shape.dim(2);
    std::vector<int32_t> layers;
    for (int32_t layer = 0; layer < num_layers; ++layer) layers.push_back(layer);
    const auto maps =
        Rollouts(layers, {}, num_layers, num_heads, tokens, attentions.values<float>());

    const absl::Span<const float> expected = golden.array(golden_case, "rollout");
    const auto map_size = static_cast<size_t>(tokens * tokens);
    for (size_t layer = 0; layer < maps.size(); ++layer) {
      const absl::Span<const float> of_layer = expected.subspan(layer * map_size, map_size);
      // What the header promises, and the rounding of what is expected.
      const double relative =
          (static_cast<double>(layer + 1) * static_cast<double>(num_heads + 2 * tokens + 4) + 1) *
          testing::UnitRoundoff(DType::kF32);
      testing::ExpectWithin(maps[layer], {of_layer.begin(), of_layer.end()}, [&](size_t i) {
        return relative * std::abs(double{of_layer[i]}) + 1e-30;
      });
    }
  }
}

}  // namespace
}  // namespace attentiond
