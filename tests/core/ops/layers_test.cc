// The ops that have no file of their own worth of tests: activation, layer norm, embedding,
// gates, rotations, softmax.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "core/ops/activation.h"
#include "core/ops/embedding.h"
#include "core/ops/gate.h"
#include "core/ops/layer_norm.h"
#include "core/ops/rotary.h"
#include "core/ops/row_stride.h"
#include "core/ops/softmax.h"
#include "core/reference/activation.h"
#include "core/reference/embedding.h"
#include "core/reference/layer_norm.h"
#include "tests/testing/random_tensor.h"
#include "tests/testing/tolerance.h"
#include "tests/testing/vector_targets.h"

namespace attentiond {
namespace {

using testing::RandomTensor;
using testing::ToFloats;

// Parameter: the highest instruction set that Highway may use.
class LayersTest : public testing::VectorTargetTest {
 protected:
  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
};

TEST_P(LayersTest, ActivationsAgreeWithTheReference) {
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    for (const Activation activation :
         {Activation::kNone, Activation::kGeluErf, Activation::kGeluTanh, Activation::kRelu,
          Activation::kSilu, Activation::kTanh}) {
      for (const float magnitude : {0.01f, 1.0f, 6.0f, 100.0f, 1e30f}) {
        Tensor values = RandomTensor(dtype, {40'001}, 1, magnitude);
        const std::vector<float> x = ToFloats(values.view());
        ApplyActivation(activation, dtype, values.mutable_view().data, 40'001, context_);
        std::vector<float> expected;
        for (const float value : x) {
          expected.push_back(static_cast<float>(reference::Activate(activation, double{value})));
        }
        SCOPED_TRACE(::testing::Message()
                     << "activation " << static_cast<int>(activation) << " up to " << magnitude);
        // GELU's normal distribution has an absolute error of 1e-7, which x multiplies until it
        // saturates; the rest are functions of a few f32 roundings.
        testing::ExpectWithin(ToFloats(values.view()), expected, [&](size_t i) {
          return 2e-7 * std::min(10.0, std::abs(double{x[i]})) +
                 1e-6 * std::abs(double{expected[i]}) +
                 testing::RoundingTolerance(dtype, double{expected[i]}) + 1e-8;
        });
      }
    }
  }
}

TEST_P(LayersTest, LayerNormAgreesWithTheReference) {
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    for (const int64_t width : {1, 2, 15, 16, 17, 48, 80, 768, 1025}) {
      const int64_t rows = width > 100 ? 67 : 3;
      const Tensor gamma = RandomTensor(DType::kF32, {width}, 1);
      const Tensor beta = RandomTensor(DType::kF32, {width}, 2);
      Tensor x = RandomTensor(dtype, {rows, width}, 3, 30);
      const std::vector<float> xs = ToFloats(x.view());
      std::vector<float> expected(xs.size());
      const auto size = static_cast<size_t>(width);
      for (size_t begin = 0; begin < xs.size(); begin += size) {
        reference::LayerNorm(absl::MakeConstSpan(xs).subspan(begin, size), gamma.values<float>(),
                             beta.values<float>(), 1e-5,
                             absl::MakeSpan(expected).subspan(begin, size));
      }
      void* const data = x.mutable_view().data;
      LayerNorm({.x = data,
                 .y = data,
                 .dtype = dtype,
                 .rows = rows,
                 .width = width,
                 .gamma = gamma.values<float>().data(),
                 .beta = beta.values<float>().data(),
                 .epsilon = 1e-5f},
                context_);
      SCOPED_TRACE(width);
      // The mean of values up to 30 is off by a few u * 30 and so is each deviation; the inverse
      // deviation, about 1/17 here, brings that to a few u. A row of one has deviation 0 / sqrt
      // eps.
      const double amplified = width == 1 ? 1 / std::sqrt(1e-5) : 0.5;
      testing::ExpectWithin(ToFloats(x.view()), expected, [&](size_t i) {
        return testing::DotTolerance(width, 30) * amplified +
               testing::RoundingTolerance(dtype, double{expected[i]}) + 1e-6;
      });
    }
  }
}

TEST_P(LayersTest, LayerNormKeepsToItsRows) {
  const int64_t rows = 67, width = 48, stride = 80;
  const std::vector<float> gamma(48, 1.5f), beta(48, 0.5f);
  Tensor wide = RandomTensor(DType::kF32, {rows, stride}, 1);
  std::vector<float> expected = ToFloats(wide.view());
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    float* const x = expected.data() + row * static_cast<size_t>(stride);
    LayerNorm(
        {.x = x, .y = x, .rows = 1, .width = width, .gamma = gamma.data(), .beta = beta.data()},
        context_);
  }
  LayerNorm({.x = wide.view().data,
             .y = wide.mutable_view().data,
             .rows = rows,
             .width = width,
             .stride = stride,
             .gamma = gamma.data(),
             .beta = beta.data()},
            context_);
  EXPECT_EQ(ToFloats(wide.view()), expected);
}

TEST_P(LayersTest, LayerNormOfAConstantRowIsBeta) {
  const std::vector<float> gamma(33, 3.0f), beta(33, 0.25f);
  std::vector<float> x(33, 1000.0f), y(33);
  LayerNorm({.x = x.data(),
             .y = y.data(),
             .rows = 1,
             .width = 33,
             .gamma = gamma.data(),
             .beta = beta.data(),
             .epsilon = 1e-5f},
            context_);
  // 33 thousands divided by 33 in f32 may miss 1000 by one unit in the last place, 6e-5.
  for (const float value : y) EXPECT_NEAR(value, 0.25f, 6.2e-5 / std::sqrt(1e-5) * 3);
}

TEST_P(LayersTest, EmbeddingsAreSummed) {
  const int64_t tokens = 70, width = 515;
  const Tensor words = RandomTensor(DType::kF16, {11, width}, 1);
  const Tensor positions = RandomTensor(DType::kF32, {70, width}, 2);
  const Tensor types = RandomTensor(DType::kBF16, {2, width}, 3);
  std::vector<int32_t> word_index, position_index, type_index;
  for (int32_t t = 0; t < tokens; ++t) {
    word_index.push_back(t * 7 % 11);
    position_index.push_back(t);
    type_index.push_back(t > 30 ? 1 : 0);
  }
  const EmbeddingLookup lookups[] = {
      {words.view(), word_index}, {positions.view(), position_index}, {types.view(), type_index}};
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    const int64_t stride = RowStride(width, dtype);
    Tensor wide(dtype, {tokens, stride}), y(dtype, {tokens, width});
    Embed(lookups, dtype, wide.mutable_view().data, stride, context_);
    CloseGaps(wide.mutable_view().data, tokens, width, dtype);
    std::memcpy(y.mutable_view().data, wide.view().data, y.view().num_bytes());
    std::vector<float> expected;
    for (size_t t = 0; t < static_cast<size_t>(tokens); ++t) {
      std::vector<double> sum(static_cast<size_t>(width), 0.0);
      for (const EmbeddingLookup& lookup : lookups) {
        reference::AddEmbedding(lookup.table, lookup.index[t], absl::MakeSpan(sum));
      }
      for (const double value : sum) expected.push_back(static_cast<float>(value));
    }
    testing::ExpectWithin(ToFloats(y.view()), expected, [&](size_t i) {
      return testing::DotTolerance(3, 3) + testing::RoundingTolerance(dtype, double{expected[i]});
    });
  }
}

TEST_P(LayersTest, GatesMultiply) {
  const int64_t rows = 67, width = 515, stride = 520;
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    Tensor x = RandomTensor(dtype, {rows, stride}, 1);
    const Tensor gate = RandomTensor(dtype, {rows, stride}, 2);
    std::vector<float> expected = ToFloats(x.view());
    const std::vector<float> gates = ToFloats(gate.view());
    for (size_t i = 0; i < expected.size(); ++i) {
      if (static_cast<int64_t>(i) % stride < width) expected[i] *= gates[i];  // else as it was
    }
    Gate({.x = x.mutable_view().data,
          .gate = gate.view().data,
          .stride = stride,
          .dtype = dtype,
          .rows = rows,
          .width = width},
         context_);
    testing::ExpectWithin(ToFloats(x.view()), expected, [&](size_t i) {
      return testing::RoundingTolerance(dtype, double{expected[i]});
    });
  }
}

TEST_P(LayersTest, RotationsTurnPairsOfChannels) {
  const int64_t tokens = 41, heads = 6, head_dim = 22, stride = 3 * heads * head_dim / 2;
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    Tensor x = RandomTensor(dtype, {tokens, stride}, 1);
    std::vector<float> expected = ToFloats(x.view());
    std::vector<float> rotations;
    for (int64_t token = 0; token < tokens; ++token) {
      for (int64_t c = 0; c < head_dim; ++c) {
        const double angle = 0.1 * static_cast<double>(token * (1 + c % (head_dim / 2)));
        rotations.push_back(
            static_cast<float>(c < head_dim / 2 ? std::cos(angle) : std::sin(angle)));
      }
      for (int64_t head = 0; head < heads; ++head) {
        for (int64_t c = 0; c < head_dim / 2; ++c) {
          float& a = expected[static_cast<size_t>(token * stride + head * head_dim + c)];
          float& b = (&a)[head_dim / 2];
          const double angle = 0.1 * static_cast<double>(token * (1 + c));
          const double turned_a = a * std::cos(angle) - b * std::sin(angle);
          b = static_cast<float>(b * std::cos(angle) + a * std::sin(angle));
          a = static_cast<float>(turned_a);
        }
      }
    }
    Rotate({.x = x.mutable_view().data,
            .x_stride = stride,
            .dtype = dtype,
            .tokens = tokens,
            .heads = heads,
            .head_dim = head_dim,
            .rotations = rotations.data()},
           context_);
    // Two products of values up to 1, and the roundings of the angles' sines.
    testing::ExpectWithin(ToFloats(x.view()), expected, [&](size_t i) {
      return testing::DotTolerance(4, 1) + testing::RoundingTolerance(dtype, double{expected[i]});
    });
  }
}

TEST_P(LayersTest, NothingToDoIsFine) {
  Gate({}, context_);
  Rotate({}, context_);
  Embed({}, DType::kF32, nullptr, 4, context_);
  const Tensor table = RandomTensor(DType::kF32, {1, 4}, 1);
  const EmbeddingLookup lookup{table.view(), {}};
  Embed(absl::MakeConstSpan(&lookup, 1), DType::kF32, nullptr, 4, context_);
  LayerNorm({}, context_);
  ApplyActivation(Activation::kRelu, DType::kF32, nullptr, 0, context_);
}

INSTANTIATE_TEST_SUITE_P(Targets, LayersTest, ::testing::ValuesIn(testing::VectorTargets()),
                         testing::VectorTargetName);

TEST(ActivationNameTest, CheckpointsNames) {
  EXPECT_EQ(*ParseActivation("gelu"), Activation::kGeluErf);
  EXPECT_EQ(*ParseActivation("gelu_new"), Activation::kGeluTanh);
  EXPECT_EQ(*ParseActivation("gelu_fast"), Activation::kGeluTanh);
  EXPECT_EQ(*ParseActivation("gelu_pytorch_tanh"), Activation::kGeluTanh);
  EXPECT_EQ(*ParseActivation("relu"), Activation::kRelu);
  EXPECT_EQ(*ParseActivation("silu"), Activation::kSilu);
  EXPECT_EQ(*ParseActivation("swish"), Activation::kSilu);
  EXPECT_EQ(*ParseActivation("tanh"), Activation::kTanh);
  const absl::Status status = ParseActivation("mish").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(),
            "activation \"mish\" is not supported; known are gelu, gelu_new, gelu_fast, "
            "gelu_pytorch_tanh, relu, silu, swish, tanh, gelu_python, linear");
}

TEST(SoftmaxTest, IsTheReference) {
  std::vector<float> row = {std::log(1.0f), std::log(3.0f),
                            -std::numeric_limits<float>::infinity()};
  Softmax(absl::MakeSpan(row));
  EXPECT_THAT(row, ::testing::Pointwise(::testing::FloatEq(), std::vector<float>{0.25f, 0.75f, 0}));
}

}  // namespace
}  // namespace attentiond
