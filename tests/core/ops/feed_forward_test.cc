#include "core/ops/feed_forward.h"

#include <gtest/gtest.h>

#include <cstring>
#include <tuple>

#include "core/onednn/isa.h"
#include "core/ops/kernel_counts.h"
#include "core/ops/row_stride.h"
#include "tests/testing/random_tensor.h"

namespace attentiond {
namespace {

using testing::RandomTensor;

struct Sizes {
  int64_t rows, in, inner, out;
};

// Parameters: the activations' type, the weights', the number of threads.
class FeedForwardTest : public ::testing::TestWithParam<std::tuple<DType, DType, int>> {
 protected:
  void SetUp() override {
    if ((dtype() == DType::kBF16 && !onednn::HasMicroKernels(DType::kBF16)) ||
        (types().weights == DType::kI8 && !onednn::HasMicroKernels(DType::kU8))) {
      GTEST_SKIP() << onednn::IsaName() << " does not multiply this type";
    }
  }

  static DType dtype() { return std::get<0>(GetParam()); }
  static LinearTypes types() { return {dtype(), std::get<1>(GetParam())}; }

  // FeedForward() has the bits of the three operations one by one, which have tests of their own.
  void Check(const Sizes& sizes, Activation activation, bool residual, bool normalize) {
    SCOPED_TRACE(::testing::Message() << sizes.rows << " rows, " << sizes.in << " -> "
                                      << sizes.inner << " -> " << sizes.out);
    const Linear up = Layer(sizes.in, sizes.inner), down = Layer(sizes.inner, sizes.out);
    const Tensor x = RandomTensor(dtype(), {sizes.rows, sizes.in}, 3);
    const Tensor gamma = RandomTensor(DType::kF32, {sizes.out}, 4);
    const Tensor beta = RandomTensor(DType::kF32, {sizes.out}, 5);
    LayerNormArgs norm;
    norm.gamma = static_cast<const float*>(gamma.view().data);
    norm.beta = static_cast<const float*>(beta.view().data);
    // In place where the sizes allow it, as encoders call it, and with room between the rows.
    const int64_t stride = RowStride(sizes.out, dtype());
    Tensor y(dtype(), {sizes.rows, stride}), expected(dtype(), {sizes.rows, sizes.out});
    const bool in_place = sizes.in == sizes.out;
    for (Tensor* tensor : {&y, &expected}) {
      std::memset(tensor->mutable_view().data, 0, tensor->view().num_bytes());
    }
    const size_t row_bytes = static_cast<size_t>(sizes.out) * ByteSize(dtype());
    const auto row_of = [](const Tensor& tensor, int64_t row) {
      const auto first = static_cast<size_t>(row * tensor.shape().dim(1));
      return const_cast<char*>(static_cast<const char*>(tensor.view().data)) +
             first * ByteSize(tensor.dtype());
    };
    for (int64_t row = 0; in_place && row < sizes.rows; ++row) {
      std::memcpy(row_of(y, row), row_of(x, row), row_bytes);
      std::memcpy(row_of(expected, row), row_of(x, row), row_bytes);
    }

    FeedForwardArgs args;
    args.up = &up;
    args.down = &down;
    args.activation = activation;
    args.x = in_place ? y.view().data : x.view().data;
    args.x_stride = in_place ? stride : sizes.in;
    args.y = y.mutable_view().data;
    args.y_stride = stride;
    args.residual = residual ? args.y : nullptr;
    args.rows = sizes.rows;
    args.norm = normalize ? &norm : nullptr;
    ASSERT_TRUE(FeedForward(args, context_).ok());

    Tensor between(dtype(), {sizes.rows, sizes.inner});
    Run(up, x.view().data, &between, activation, nullptr);
    void* const result = expected.mutable_view().data;
    Run(down, between.view().data, &expected, Activation::kNone, residual ? result : nullptr);
    if (normalize) {
      norm.x = norm.y = result;
      norm.dtype = dtype();
      norm.rows = sizes.rows;
      norm.width = sizes.out;
      LayerNorm(norm, context_);
    }
    for (int64_t row = 0; row < sizes.rows; ++row) {
      ASSERT_EQ(std::memcmp(row_of(y, row), row_of(expected, row), row_bytes), 0) << row;
    }
    CloseGaps(y.mutable_view().data, sizes.rows, sizes.out, dtype());
    EXPECT_EQ(std::memcmp(y.view().data, expected.view().data, expected.view().num_bytes()), 0);
  }

  static Linear Layer(int64_t in, int64_t out) {
    auto layer = Linear::Create(RandomTensor(DType::kF32, {out, in}, 1).view(),
                                RandomTensor(DType::kF32, {out}, 2).view(), types());
    EXPECT_TRUE(layer.ok()) << layer.status();
    return *std::move(layer);
  }

  void Run(const Linear& layer, const void* x, Tensor* y, Activation activation,
           const void* residual) {
    ASSERT_TRUE(layer
                    .Run({.x = x,
                          .x_stride = layer.in_features(),
                          .y = y->mutable_view().data,
                          .y_stride = layer.out_features(),
                          .rows = y->view().shape.dim(0),
                          .activation = activation,
                          .residual = residual},
                         context_)
                    .ok());
  }

  ThreadPool threads_{std::get<2>(GetParam())};
  ExecutionContext context_{&threads_};
};

TEST_P(FeedForwardTest, HasTheBitsOfItsPartsForEveryNumberOfRows) {
  for (const int64_t rows : {1, 15, 128, 255, 256, 257, 300, 639, 1000}) {
    Check({rows, 64, 320, 64}, Activation::kGeluErf, true, true);
  }
}

// Panels of 16, 32 and 48 columns; slices that end where the layer does and before; depths that
// are padded; more rows and channels than fit the second-level cache.
TEST_P(FeedForwardTest, HasTheBitsOfItsPartsForEverySize) {
  for (const Sizes& sizes :
       {Sizes{300, 32, 16, 32}, Sizes{300, 96, 96, 48}, Sizes{300, 128, 512, 80},
        Sizes{300, 40, 100, 40}, Sizes{513, 768, 1600, 768}}) {
    Check(sizes, Activation::kRelu, true, true);
    Check(sizes, Activation::kGeluTanh, false, false);
  }
}

// With the layer and the normalisation before, as encoders call it: the bits of them one by one.
// In place, as layers that normalise after, or to a buffer of its own, as those before.
TEST_P(FeedForwardTest, HasTheBitsOfItsPartsWithTheLayerBefore) {
  for (const bool in_place : {true, false}) {
    for (const int64_t rows : {1, 31, 255, 300, 1000}) {
      SCOPED_TRACE(::testing::Message() << rows << " rows" << (in_place ? " in place" : ""));
      constexpr int64_t kWidth = 96, kBefore = 160, kInner = 320;
      const Linear before = Layer(kBefore, kWidth), up = Layer(kWidth, kInner),
                   down = Layer(kInner, kWidth);
      const Tensor x = RandomTensor(dtype(), {rows, kBefore}, 3);
      const Tensor gamma = RandomTensor(DType::kF32, {kWidth}, 4);
      const Tensor beta = RandomTensor(DType::kF32, {kWidth}, 5);
      LayerNormArgs norm;
      norm.gamma = static_cast<const float*>(gamma.view().data);
      norm.beta = static_cast<const float*>(beta.view().data);
      Tensor states = RandomTensor(dtype(), {rows, kWidth}, 6), normed(dtype(), {rows, kWidth});
      Tensor expected = RandomTensor(dtype(), {rows, kWidth}, 6);

      void* const y = states.mutable_view().data;
      void* const to = in_place ? y : normed.mutable_view().data;
      const FeedForwardInput input = {.layer = &before,
                                      .x = x.view().data,
                                      .x_stride = kBefore,
                                      .y = y,
                                      .norm = &norm,
                                      .normed = to};
      FeedForwardArgs args = {.up = &up,
                              .down = &down,
                              .activation = Activation::kGeluErf,
                              .x = to,
                              .x_stride = kWidth,
                              .residual = y,
                              .y = y,
                              .y_stride = kWidth,
                              .rows = rows,
                              .input = &input};
      ASSERT_TRUE(FeedForward(args, context_).ok());

      void* const result = expected.mutable_view().data;
      Run(before, x.view().data, &expected, Activation::kNone, result);
      norm.x = result;
      norm.y = args.x == y ? result : to;
      norm.dtype = dtype();
      norm.rows = rows;
      norm.width = kWidth;
      LayerNorm(norm, context_);
      args.x = norm.y;
      args.y = result;
      args.residual = result;
      args.input = nullptr;
      ASSERT_TRUE(FeedForward(args, context_).ok());
      EXPECT_EQ(std::memcmp(y, result, expected.view().num_bytes()), 0);
    }
  }
}

TEST_P(FeedForwardTest, DoesNothingWithoutRows) {
  const Linear up = Layer(64, 96), down = Layer(96, 64);
  FeedForwardArgs args;
  args.up = &up;
  args.down = &down;
  EXPECT_TRUE(FeedForward(args, context_).ok());
}

TEST_P(FeedForwardTest, CountsItsKernels) {
  const auto total = [] {
    uint64_t runs = 0;
    for (const KernelRuns& kernel : CountedKernels()) runs += kernel.count;
    return runs;
  };
  for (const int64_t rows : {16, 1000}) {
    const Linear up = *Linear::Create(RandomTensor(DType::kF32, {96, 64}, 1).view(), {}, types());
    const Linear down = *Linear::Create(RandomTensor(DType::kF32, {64, 96}, 1).view(), {}, types());
    Tensor x = RandomTensor(dtype(), {rows, 64}, 3);
    ThreadPool threads(1);
    ExecutionContext context(&threads);
    const uint64_t before = total();
    ASSERT_TRUE(FeedForward({.up = &up,
                             .down = &down,
                             .x = x.view().data,
                             .x_stride = 64,
                             .y = x.mutable_view().data,
                             .y_stride = 64,
                             .rows = rows},
                            context)
                    .ok());
    EXPECT_EQ(total() - before, 2u);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, FeedForwardTest,
                         ::testing::Values(std::tuple(DType::kF32, DType::kF32, 2),
                                           std::tuple(DType::kBF16, DType::kBF16, 1),
                                           std::tuple(DType::kBF16, DType::kBF16, 2),
                                           std::tuple(DType::kBF16, DType::kI8, 2)));

}  // namespace
}  // namespace attentiond
