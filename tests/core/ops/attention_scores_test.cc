// Attention over scores that are large, that grow, and that are all alike.
#include <gtest/gtest.h>

#include <cmath>

#include "core/onednn/context.h"
#include "core/ops/attention.h"
#include "core/tensor/element.h"
#include "tests/testing/attention_problem.h"

namespace attentiond {
namespace {

using testing::AttentionProblem;
using testing::AttentionResults;
using testing::AttentionShape;
using testing::OneSequence;

// Parameter: the type of the operands.
class AttentionScoresTest : public ::testing::TestWithParam<DType> {
 protected:
  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
};

// A later tile of keys with far larger scores: what was summed before is scaled down.
TEST_P(AttentionScoresTest, ScoresThatGrow) {
  AttentionShape shape = OneSequence(40, 900, 32);
  shape.dtype = GetParam();
  shape.shared_bias = true;
  const AttentionProblem problem(shape);
  std::vector<float> bias(900);
  for (size_t key = 0; key < bias.size(); ++key) {
    bias[key] = 0.1f * static_cast<float>(key) - (key % 256 < 200 ? 200.0f : 0.0f);
  }
  const auto run = [&](auto&& attention) {
    return problem.Collect([&](AttentionArgs args, const AttentionOutputs& outputs) {
      args.bias = {bias.data(), 0, 0, 0, 1};
      attention(args, outputs);
    });
  };
  const AttentionResults actual = run([&](const auto& args, const auto& outputs) {
    EXPECT_TRUE(Attention(args, outputs, context_).ok());
  });
  const AttentionResults expected =
      run([&](const auto& args, const auto& outputs) { reference::Attention(args, outputs); });
  // Scores of up to 90 are good to 8 u (90 + 1), see AttentionScoreTolerance().
  const double u = testing::UnitRoundoff(DType::kF32), relative = 2 * 8 * 91 * u + 64 * u;
  const bool rounds = std::string(AttentionKernelName(problem.args())).ends_with("_bf16");
  testing::ExpectWithin(actual.weights, expected.weights,
                        [&](size_t i) { return relative * double{expected.weights[i]} + 1e-37; });
  testing::ExpectWithin(actual.output, expected.output, [&](size_t i) {
    return relative + (rounds ? testing::UnitRoundoff(DType::kBF16) : 0) +
           2 * testing::RoundingTolerance(GetParam(), double{expected.output[i]});
  });
}

// The same where scores need no bias for it, which other kernels run: up and down in steps of 16
// and more, within panels and from one to the next.
TEST_P(AttentionScoresTest, ScoresOfStepsWithoutOptions) {
  constexpr int64_t kQueries = 40, kKeys = 1100, kChannels = 32;
  AttentionShape shape = OneSequence(kQueries, kKeys, kChannels);
  shape.dtype = GetParam();
  const AttentionProblem problem(shape);
  Tensor query(shape.dtype, {kQueries, kChannels}), key(shape.dtype, {kKeys, kChannels});
  for (int64_t i = 0; i < kQueries * kChannels; ++i) {
    StoreElement(query.mutable_view().data, shape.dtype, i, 1);
  }
  for (int64_t i = 0; i < kKeys * kChannels; ++i) {
    const int64_t step = i / kChannels / 40;
    StoreElement(key.mutable_view().data, shape.dtype, i, static_cast<float>(step * 7 % 11 * 16));
  }
  for (const bool causal : {false, true}) {
    const auto run = [&](auto&& attention) {
      return problem.Collect([&](AttentionArgs args, AttentionOutputs outputs) {
        args.query.data = query.view().data;
        args.key.data = key.view().data;
        args.scale = 1.0 / kChannels;
        args.causal = causal;
        outputs.weights = outputs.lse = nullptr;
        outputs.weights_offsets = {};
        attention(args, outputs);
      });
    };
    const AttentionResults actual = run([&](const auto& args, const auto& outputs) {
      EXPECT_TRUE(Attention(args, outputs, context_).ok());
    });
    const AttentionResults expected =
        run([&](const auto& args, const auto& outputs) { reference::Attention(args, outputs); });
    testing::ExpectWithin(actual.output, expected.output, [&](size_t i) {
      const double u = testing::UnitRoundoff(shape.dtype);
      return 1.5 * u + 2 * u * std::abs(double{expected.output[i]}) + 1e-5;
    });
  }
}

// The bounds that docs/ARCHITECTURE.md promises, A being the largest |value| there is: of f32,
// 1e-5 A + 1e-6 |O|; of bf16, 1.5 2^-9 A + 2^-9 |O|.
TEST_P(AttentionScoresTest, KeepsTheNumericalContract) {
  if (GetParam() == DType::kF16) GTEST_SKIP() << "f16 results are rounded f32 ones";
  const double u = GetParam() == DType::kBF16 ? 0x1p-9 : 0;
  const double by_max = GetParam() == DType::kBF16 ? 1.5 * u : 1e-5;
  const double by_output = GetParam() == DType::kBF16 ? u : 1e-6;
  for (const int64_t queries : {1, 33}) {
    for (const float magnitude : {0.0f, 0.5f, 1.0f, 4.0f}) {  // scores up to 64
      for (const int64_t keys : {1, 2, 3, 40, 300, 2000}) {
        AttentionShape shape = OneSequence(queries, keys, 16);
        shape.dtype = GetParam();
        shape.magnitude = magnitude;
        const AttentionProblem problem(shape);
        SCOPED_TRACE(shape.ToString());
        testing::ExpectWithin(problem.RunOutputOnly(context_).output, problem.ExactOutput(),
                              [&, exact = problem.ExactOutput()](size_t i) {
                                return by_max * double{magnitude} +
                                       by_output * std::abs(double{exact[i]}) + 1e-37;
                              });
      }
    }
  }
}

// exp of a score would overflow; probabilities are 0 and 1, or ties.
TEST_P(AttentionScoresTest, LargeScores) {
  AttentionShape shape = OneSequence(40, 80);
  shape.magnitude = 80;
  shape.scale = 80.0 / 6400;
  shape.dtype = GetParam();
  const AttentionProblem problem(shape);
  problem.Check(problem.Run(context_));
}

INSTANTIATE_TEST_SUITE_P(DTypes, AttentionScoresTest,
                         ::testing::Values(DType::kF32, DType::kBF16, DType::kF16),
                         [](const auto& dtype) { return std::string(Name(dtype.param)); });

}  // namespace
}  // namespace attentiond
