#include "core/models/pooling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/tensor/element.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;

// Three tokens of four channels; every value is exact in bf16 too.
Tensor Tokens(DType dtype) {
  Tensor tensor(dtype, Shape{3, 4});
  const float values[] = {3, 4, 0, 1, 5, -4, 0, 1, 1, 6, 3, 1};
  for (int64_t i = 0; i < 12; ++i) {
    StoreElement(tensor.mutable_view().data, dtype, i, values[i]);
  }
  return tensor;
}

TEST(PoolingTest, MeanAndFirstToken) {
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    const Tensor tokens = Tokens(dtype);
    EXPECT_THAT(Pool(tokens.view(), {.pooling = Pooling::kMean, .normalize = false}),
                ElementsAre(3, 2, 1, 1));
    EXPECT_THAT(Pool(tokens.view(), {.pooling = Pooling::kCls, .normalize = false}),
                ElementsAre(3, 4, 0, 1));
  }
}

TEST(PoolingTest, CutsBeforeItNormalizes) {
  const Tensor tokens = Tokens(DType::kF32);
  EXPECT_THAT(Pool(tokens.view(), {.pooling = Pooling::kCls, .dimensions = 2}),
              ElementsAre(0.6f, 0.8f));
  EXPECT_THAT(Pool(tokens.view(), {.pooling = Pooling::kMean, .dimensions = 1, .normalize = false}),
              ElementsAre(3));
}

TEST(PoolingTest, AZeroVectorStaysZero) {
  Tensor tokens(DType::kF32, Shape{1, 2});
  tokens.values<float>()[0] = tokens.values<float>()[1] = 0;
  EXPECT_THAT(Pool(tokens.view(), {}), ElementsAre(0, 0));
}

}  // namespace
}  // namespace attentiond
