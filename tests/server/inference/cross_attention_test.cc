#include "server/inference/cross_attention.h"

#include <gtest/gtest.h>

namespace attentiond {
namespace {

TEST(MeanCrossAttentionTest, IsTheMeanOverLayersAndHeads) {
  GenerationResult result;
  result.sequences.push_back({{5, 6}, 0});
  result.cross_layers = 1;
  result.cross_heads = 2;
  result.source_length = 2;
  result.cross_attentions = {1, 0, 0, 1, 0.5f, 0.5f, 1, 0};
  const auto mean = MeanCrossAttention(result);
  ASSERT_TRUE(mean.ok()) << mean.status();
  EXPECT_EQ(*mean, (std::vector<float>{0.5f, 0.5f, 0.75f, 0.25f}));

  result.source_length = 3;
  EXPECT_EQ(MeanCrossAttention(result).status().code(), absl::StatusCode::kInternal);
}

TEST(PatchGridSideTest, LeavesOutTheTokensBefore) {
  EXPECT_EQ(PatchGridSide(65), 8) << "ViT";
  EXPECT_EQ(PatchGridSide(66), 8) << "DeiT";
  EXPECT_EQ(PatchGridSide(197), 14);
  EXPECT_EQ(PatchGridSide(64), 8);
  EXPECT_EQ(PatchGridSide(72), 0) << "no square";
  EXPECT_EQ(PatchGridSide(0), 0);
}

}  // namespace
}  // namespace attentiond
