#include "core/models/pooling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/tensor/element.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

// Five tokens of four channels, of which those from the second to the fourth are a text; every
// value is exact in bf16 too.
Tensor Tokens(DType dtype) {
  Tensor tensor(dtype, Shape{5, 4});
  const float values[] = {9, 9, 9, 9, 3, 4, 0, 1, 5, -4, 0, 1, 1, 6, 3, 1, 9, 9, 9, 9};
  for (int64_t i = 0; i < 20; ++i) {
    StoreElement(tensor.mutable_view().data, dtype, i, values[i]);
  }
  return tensor;
}

TEST(PoolingTest, EachMode) {
  const float root = std::sqrt(3.0f);
  const struct {
    PoolingMode mode;
    std::vector<float> pooled;
  } cases[] = {{PoolingMode::kCls, {3, 4, 0, 1}},
               {PoolingMode::kMax, {5, 6, 3, 1}},
               {PoolingMode::kMean, {3, 2, 1, 1}},
               {PoolingMode::kMeanSqrtLength, {9 / root, 6 / root, 3 / root, 3 / root}},
               {PoolingMode::kWeightedMean, {16 / 6.0f, 14 / 6.0f, 9 / 6.0f, 1}},
               {PoolingMode::kLast, {1, 6, 3, 1}}};
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    const Tensor tokens = Tokens(dtype);
    for (const auto& [mode, pooled] : cases) {
      EXPECT_THAT(Pool(tokens.view(), 1, 4, {mode}), Pointwise(FloatNear(1e-6f), pooled));
    }
  }
}

TEST(PoolingTest, SeveralModesOneAfterTheOther) {
  const Tensor tokens = Tokens(DType::kF32);
  EXPECT_THAT(Pool(tokens.view(), 1, 4, {PoolingMode::kMean, PoolingMode::kLast}),
              ElementsAre(3, 2, 1, 1, 1, 6, 3, 1));
}

TEST(PoolingTest, NormalizesToLengthOne) {
  std::vector<float> vector = {3, 4};
  NormalizeL2(absl::MakeSpan(vector));
  EXPECT_THAT(vector, ElementsAre(0.6f, 0.8f));
}

TEST(PoolingTest, AZeroVectorStaysZero) {
  std::vector<float> vector = {0, 0};
  NormalizeL2(absl::MakeSpan(vector));
  EXPECT_THAT(vector, ElementsAre(0, 0));
}

}  // namespace
}  // namespace attentiond
