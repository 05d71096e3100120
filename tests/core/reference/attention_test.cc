// The reference judges every other kernel, so it is itself judged by numbers worked out by hand.
#include "core/reference/attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/tensor/half.h"

namespace attentiond {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;
using ::testing::Pointwise;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// One head of one sequence with head_dim 1: score(i, j) = query[i] * key[j].
class AttentionTest : public ::testing::Test {
 protected:
  void Run(std::vector<float> query, std::vector<float> key, std::vector<float> value) {
    const auto queries = static_cast<int64_t>(query.size());
    const auto keys = static_cast<int64_t>(key.size());
    args_.batch = args_.num_heads = args_.num_kv_heads = args_.head_dim = args_.value_dim = 1;
    args_.query_lengths.dense_length = queries;
    args_.kv_lengths.dense_length = keys;
    args_.query = {query.data(), queries, queries, 1};
    args_.key = {key.data(), keys, keys, 1};
    args_.value = {value.data(), keys, keys, 1};
    output_.assign(query.size(), -1);
    weights_.assign(query.size() * key.size(), -1);
    lse_.assign(query.size(), -1);
    AttentionOutputs outputs;
    outputs.output = {output_.data(), queries, queries, 1};
    outputs.weights = weights_.data();
    outputs.weights_query_stride = keys;
    outputs.lse = lse_.data();
    reference::Attention(args_, outputs);
  }

  AttentionArgs args_;
  std::vector<float> output_, weights_, lse_;
};

TEST_F(AttentionTest, SoftmaxOfScaledScoresWeighsTheValues) {
  // Scores 0 and log 3: probabilities 1/4 and 3/4, log-sum-exp log 4.
  Run({1}, {0, std::log(3.0f)}, {4, 8});
  EXPECT_THAT(weights_, Pointwise(FloatNear(1e-7f), std::vector<float>{0.25f, 0.75f}));
  EXPECT_THAT(output_, ElementsAre(FloatEq(7)));
  EXPECT_THAT(lse_, ElementsAre(FloatEq(std::log(4.0f))));
}

TEST_F(AttentionTest, ScaleMultipliesTheScores) {
  args_.scale = 0.5;
  Run({2}, {0, std::log(3.0f)}, {4, 8});
  EXPECT_THAT(output_, ElementsAre(FloatEq(7)));
}

TEST_F(AttentionTest, CausalAlignsTheLastQueryWithTheLastKey) {
  args_.causal = true;
  Run({0, 0}, {0, 0, 0}, {3, 5, 10});
  EXPECT_THAT(weights_, Pointwise(FloatEq(),
                                  std::vector<float>{0.5f, 0.5f, 0, 1 / 3.0f, 1 / 3.0f, 1 / 3.0f}));
  EXPECT_THAT(output_, ElementsAre(FloatEq(4), FloatEq(6)));
}

TEST_F(AttentionTest, QueriesBeforeTheFirstKeySeeNothing) {
  args_.causal = true;
  Run({0, 0, 0}, {0}, {7});
  EXPECT_THAT(output_, ElementsAre(0, 0, 7));
  EXPECT_THAT(weights_, ElementsAre(0, 0, 1));
  EXPECT_THAT(lse_, ElementsAre(-kInfinity, -kInfinity, 0));
}

TEST_F(AttentionTest, WindowIsExclusiveAtItsFarEnd) {
  args_.window = 2;
  Run({0, 0, 0}, {0, 0, 0}, {1, 2, 4});
  // Query i sees j > i - 2; nothing is hidden ahead without `causal`.
  EXPECT_THAT(output_, ElementsAre(FloatEq(7 / 3.0f), FloatEq(7 / 3.0f), FloatEq(3)));
}

TEST_F(AttentionTest, ValidKeysMaskWithoutMovingTheAlignment) {
  const std::vector<int64_t> valid = {2};
  args_.valid_kv = valid;
  args_.causal = true;
  Run({0, 0}, {0, 0, 0}, {3, 5, kInfinity});
  EXPECT_THAT(output_, ElementsAre(FloatEq(4), FloatEq(4)));
}

TEST_F(AttentionTest, SoftcapComesBeforeBias) {
  args_.softcap = 1.0;
  const std::vector<float> bias = {0, std::log(3.0f)};
  args_.bias = {bias.data(), 0, 0, 0, 1};
  Run({1}, {1000, 1000}, {4, 8});  // both capped to 1
  EXPECT_THAT(output_, ElementsAre(FloatEq(7)));
  EXPECT_THAT(lse_, ElementsAre(FloatEq(1 + std::log(4.0f))));
}

TEST_F(AttentionTest, MaskAndInfiniteBiasHideKeys) {
  const bool mask[] = {true, false, true};
  const std::vector<float> bias = {-kInfinity, 0, 0};
  args_.mask = {mask, 0, 0, 0, 1};
  args_.bias = {bias.data(), 0, 0, 0, 1};
  Run({1}, {1, 2, 3}, {10, 20, 30});
  EXPECT_THAT(weights_, ElementsAre(0, 0, 1));
  EXPECT_THAT(output_, ElementsAre(30));
}

TEST_F(AttentionTest, HugeScoresDoNotOverflow) {
  Run({1e30f}, {1e30f, -1e30f}, {1, 2});
  EXPECT_THAT(weights_, ElementsAre(1, 0));
  EXPECT_THAT(output_, ElementsAre(1));
}

TEST(AttentionLayoutTest, GroupsRaggedSequencesAndHalfPrecision) {
  // Two sequences of 1 and 2 tokens, 2 query heads on 1 key head, [tokens, heads, 1] in bf16.
  const std::vector<int64_t> cumulative = {0, 1, 3};
  const std::vector<BFloat16> query(6, ToBFloat16(0));
  const std::vector<BFloat16> key(3, ToBFloat16(1));
  const std::vector<BFloat16> value = {ToBFloat16(2), ToBFloat16(4), ToBFloat16(8)};
  std::vector<BFloat16> output(6);
  AttentionArgs args;
  args.batch = 2;
  args.num_heads = 2;
  args.num_kv_heads = args.head_dim = args.value_dim = 1;
  args.dtype = DType::kBF16;
  args.query_lengths.cumulative = args.kv_lengths.cumulative = cumulative;
  args.query = {query.data(), 0, 1, 2};
  args.key = {key.data(), 0, 1, 1};
  args.value = {value.data(), 0, 1, 1};
  AttentionOutputs outputs;
  outputs.output = {output.data(), 0, 1, 2};
  std::vector<float> weights(2 * 1 + 2 * 2 * 2, -1), lse(6, -1);
  const std::vector<int64_t> offsets = {0, 2};
  outputs.weights = weights.data();
  outputs.weights_offsets = offsets;
  outputs.lse = lse.data();
  outputs.lse_head_stride = 3;
  reference::Attention(args, outputs);
  std::vector<float> floats;
  for (const BFloat16 element : output) floats.push_back(ToFloat(element));
  EXPECT_THAT(floats, ElementsAre(2, 2, 6, 6, 6, 6));
  EXPECT_THAT(weights, ElementsAre(1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5));
  const float log2 = std::log(2.0f);
  EXPECT_THAT(lse, Pointwise(FloatEq(), std::vector<float>{0, log2, log2, 0, log2, log2}));
}

TEST(AttentionLayoutTest, NoKeysAtAll) {
  const std::vector<float> query = {1, 2};
  std::vector<float> output = {-1, -1}, lse = {0, 0};
  AttentionArgs args;
  args.batch = args.num_heads = args.num_kv_heads = args.head_dim = args.value_dim = 1;
  args.query_lengths.dense_length = 2;
  args.query = {query.data(), 2, 2, 1};
  AttentionOutputs outputs;
  outputs.output = {output.data(), 2, 2, 1};
  outputs.lse = lse.data();
  reference::Attention(args, outputs);
  EXPECT_THAT(output, Each(0));
  EXPECT_THAT(lse, Each(-kInfinity));
}

}  // namespace
}  // namespace attentiond
