#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/reference/activation.h"
#include "core/reference/embedding.h"
#include "core/reference/layer_norm.h"
#include "core/reference/linear.h"
#include "core/reference/softmax.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::Pointwise;

TEST(ActivationTest, KnownValues) {
  // Phi(1) and tanh(1), from tables of the normal distribution and of tanh.
  EXPECT_NEAR(reference::Activate(Activation::kGeluErf, 1), 0.8413447460685429, 1e-15);
  EXPECT_NEAR(reference::Activate(Activation::kGeluErf, -1), -0.1586552539314571, 1e-15);
  EXPECT_NEAR(reference::Activate(Activation::kGeluTanh, 1), 0.8411919906082768, 1e-15);
  EXPECT_NEAR(reference::Activate(Activation::kSilu, 1), 0.7310585786300049, 1e-15);
  EXPECT_NEAR(reference::Activate(Activation::kTanh, 1), 0.7615941559557649, 1e-15);
  EXPECT_EQ(reference::Activate(Activation::kRelu, -2), 0);
  EXPECT_EQ(reference::Activate(Activation::kRelu, 2), 2);
  EXPECT_EQ(reference::Activate(Activation::kNone, -2), -2);
  // Far out there is no NaN: x times exactly 0 or 1.
  EXPECT_EQ(reference::Activate(Activation::kGeluErf, -100), 0);
  EXPECT_EQ(reference::Activate(Activation::kGeluTanh, 1e30), 1e30);
  EXPECT_EQ(reference::Activate(Activation::kSilu, -1e30), 0);
}

TEST(LayerNormTest, MeanAndBiasedVariance) {
  // Mean 3, biased variance 4, epsilon chosen so that the root is 2.5.
  const std::vector<float> x = {1, 5, 1, 5}, gamma = {1, 1, 2, 2}, beta = {0, 0, 1, 1};
  std::vector<float> y(4);
  reference::LayerNorm(x, gamma, beta, 2.25, absl::MakeSpan(y));
  EXPECT_THAT(y, Pointwise(FloatEq(), std::vector<float>{-0.8f, 0.8f, -0.6f, 2.6f}));
}

TEST(LayerNormTest, ConstantRowGivesBeta) {
  const std::vector<float> x(3, 1e6f), gamma(3, 5), beta = {1, 2, 3};
  std::vector<float> y(3);
  reference::LayerNorm(x, gamma, beta, 1e-5, absl::MakeSpan(y));
  EXPECT_THAT(y, ElementsAre(1, 2, 3));
}

TEST(LinearTest, WeightIsOutByIn) {
  const std::vector<float> weight = {1, 2, 3, 4, 5, 6}, bias = {10, -100}, x = {1, 0, -1};
  reference::LinearLayer layer{weight, bias};
  std::vector<float> y = {1000, 2000};
  reference::Linear(layer, x, {}, absl::MakeSpan(y));
  EXPECT_THAT(y, ElementsAre(8, -102));
  layer.activation = Activation::kRelu;
  y = {1000, 2000};
  reference::Linear(layer, x, y, absl::MakeSpan(y));  // the residual is added after it
  EXPECT_THAT(y, ElementsAre(1008, 2000));
  layer.bias = {};
  reference::Linear(layer, x, {}, absl::MakeSpan(y));
  EXPECT_THAT(y, ElementsAre(0, 0));
}

TEST(SoftmaxTest, MasksAndOverflow) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> row = {std::log(1.0f), std::log(3.0f), -kInfinity};
  reference::Softmax(absl::MakeSpan(row));
  EXPECT_THAT(row, Pointwise(FloatEq(), std::vector<float>{0.25f, 0.75f, 0.0f}));
  row = {3e38f, -3e38f};
  reference::Softmax(absl::MakeSpan(row));
  EXPECT_THAT(row, ElementsAre(1, 0));
  row = {-kInfinity, -kInfinity};
  reference::Softmax(absl::MakeSpan(row));
  EXPECT_THAT(row, ElementsAre(0, 0));
  reference::Softmax({});
}

TEST(EmbeddingTest, AddsARow) {
  const std::vector<float> table = {1, 2, 3, 4};
  std::vector<double> sum = {10, 20};
  reference::AddEmbedding({table.data(), DType::kF32, Shape({2, 2})}, 1, absl::MakeSpan(sum));
  EXPECT_THAT(sum, ElementsAre(13, 24));
}

}  // namespace
}  // namespace attentiond
