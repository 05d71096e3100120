// tests/server/inference/attention_maps_test.cc -- every reduction, hand-computed.
#include "server/inference/attention_maps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/inference/field_error.h"

namespace attentiond {
namespace {

constexpr int64_t kLayers = 3, kHeads = 2, kTokens = 2;

/// Layer l, head h, element e is 100 * l + 10 * h + e, so that means can be done in one's head.
std::vector<float> Attentions() {
  std::vector<float> values;
  for (int l = 0; l < kLayers; ++l) {
    for (int h = 0; h < kHeads; ++h) {
      for (int e = 0; e < kTokens * kTokens; ++e) {
        values.push_back(static_cast<float>(100 * l + 10 * h + e));
      }
    }
  }
  return values;
}

/// "L1H0 L1H* L*H0": the maps of a plan; a star is a mean.
std::string Describe(const AttentionMapPlan& plan) {
  const auto index = [](std::optional<int32_t> i) { return i ? absl::StrCat(*i) : "*"; };
  return absl::StrJoin(plan.maps, " ", [&](std::string* out, const AttentionMapPlan::Map& map) {
    absl::StrAppend(out, "L", index(map.layer), "H", index(map.head));
  });
}

struct PlanCase {
  AttentionReduction reduction;
  std::vector<int32_t> layers, heads;
  const char* maps;
};

TEST(PlanAttentionMapsTest, OrdersByLayerThenHead) {
  using R = AttentionReduction;
  const PlanCase cases[] = {
      {R::kAsSelected, {}, {}, "L*H*"},
      {R::kAsSelected, {1}, {}, "L1H*"},
      {R::kAsSelected, {}, {1}, "L*H1"},
      {R::kAsSelected, {2, 0}, {1, 0}, "L2H1 L2H0 L0H1 L0H0"},
      {R::kNone, {}, {}, "L0H0 L0H1 L1H0 L1H1 L2H0 L2H1"},
      {R::kNone, {1}, {}, "L1H0 L1H1"},
      {R::kMeanHeads, {}, {1}, "L0H* L1H* L2H*"},
      {R::kMeanLayers, {0, 2}, {}, "L*H0 L*H1"},
      {R::kMeanAll, {0, 2}, {1}, "L*H*"},
      {R::kRollout, {}, {1}, "L2H*"},
      {R::kRollout, {2, 0}, {}, "L2H* L0H*"},
      {R::kNoMaps, {1}, {1}, ""},
  };
  for (const PlanCase& c : cases) {
    const auto plan = PlanAttentionMaps({c.layers, c.heads, c.reduction}, kLayers, kHeads);
    ASSERT_TRUE(plan.ok()) << plan.status();
    EXPECT_EQ(Describe(*plan), c.maps);
    EXPECT_EQ(plan->is_rollout, c.reduction == R::kRollout);
  }
}

TEST(PlanAttentionMapsTest, RefusesWhatTheModelDoesNotHave) {
  struct Case {
    std::vector<int32_t> layers, heads;
    const char* field;
    const char* message;
  };
  const Case cases[] = {
      {{0, 3}, {}, "layers[1]", "layers[1]: 3, required 0 to 2"},
      {{-1}, {}, "layers[0]", "layers[0]: -1, required 0 to 2"},
      {{0, 1, 0}, {}, "layers[2]", "layers[2]: 0 is listed twice, required once"},
      {{}, {2}, "heads[0]", "heads[0]: 2, required 0 to 1"},
      {{}, {1, 1}, "heads[1]", "heads[1]: 1 is listed twice, required once"},
  };
  for (const Case& c : cases) {
    const absl::Status status =
        PlanAttentionMaps({c.layers, c.heads, AttentionReduction::kNone}, kLayers, kHeads).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(FieldOf(status), c.field);
    EXPECT_EQ(status.message(), c.message);
  }
}

TEST(WriteAttentionMapTest, CopiesOrAveragesTheSelected) {
  using R = AttentionReduction;
  struct Case {
    R reduction;
    std::vector<int32_t> layers, heads;
    float first;  // element 0 of the first map; the others are 1, 2, 3 more
  };
  const Case cases[] = {
      {R::kNone, {2}, {1}, 210},         {R::kMeanHeads, {1}, {}, 105},
      {R::kMeanLayers, {0, 1}, {1}, 60}, {R::kMeanAll, {}, {}, 105},
      {R::kMeanAll, {0, 2}, {0}, 100},
  };
  const std::vector<float> attentions = Attentions();
  for (const Case& c : cases) {
    const auto plan = PlanAttentionMaps({c.layers, c.heads, c.reduction}, kLayers, kHeads);
    ASSERT_TRUE(plan.ok()) << plan.status();
    std::vector<float> weights(kTokens * kTokens, -1.0f);
    WriteAttentionMap(*plan, plan->maps.front(), attentions, kHeads, kTokens,
                      absl::MakeSpan(weights));
    // Small integers and their means: exact in f32.
    EXPECT_THAT(weights, testing::ElementsAre(c.first, c.first + 1, c.first + 2, c.first + 3));
  }
}

}  // namespace
}  // namespace attentiond
