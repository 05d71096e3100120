// How fast linear layers are, at the shapes of a base-size encoder; a row is compared with the
// reference before anything is timed.
#include <benchmark/benchmark.h>

#include <cmath>

#include "core/onednn/isa.h"
#include "core/ops/linear.h"
#include "core/parallel/cpu_budget.h"
#include "core/reference/linear.h"
#include "tests/testing/random_tensor.h"
#include "tests/testing/tolerance.h"

namespace attentiond {
namespace {

using testing::RandomTensor;
using testing::ToFloats;

ExecutionContext& Context() {
  static ThreadPool threads(ReadCpuBudget().threads);
  static ExecutionContext context(&threads);
  return context;
}

bool FirstRowIsRight(const Tensor& weight, const Tensor& bias, const Tensor& x, const Tensor& y) {
  const std::vector<float> weights = ToFloats(weight.view()), xs = ToFloats(x.view()),
                           ys = ToFloats(y.view());
  const auto in = static_cast<size_t>(weight.shape().dim(1));
  std::vector<float> expected(static_cast<size_t>(weight.shape().dim(0)));
  reference::Linear({weights, bias.values<float>(), Activation::kGeluErf},
                    absl::MakeConstSpan(xs).subspan(0, in), {}, absl::MakeSpan(expected));
  for (size_t i = 0; i < expected.size(); ++i) {
    const double tolerance = testing::DotTolerance(weight.shape().dim(1), static_cast<double>(in)) +
                             testing::RoundingTolerance(y.dtype(), double{expected[i]}) + 1e-5;
    if (std::abs(double{ys[i]} - double{expected[i]}) > tolerance) return false;
  }
  return true;
}

// Arguments: rows, inputs, outputs, 1 for bf16.
void BM_Linear(benchmark::State& state) {
  const int64_t rows = state.range(0), in = state.range(1), out = state.range(2);
  const DType dtype = state.range(3) == 1 ? DType::kBF16 : DType::kF32;
  if (!onednn::HasMicroKernels(dtype)) {
    state.SkipWithError("this processor does not multiply the type");
    return;
  }
  const Tensor weight = RandomTensor(dtype, {out, in}, 1);
  const Tensor bias = RandomTensor(DType::kF32, {out}, 2);
  const Tensor x = RandomTensor(dtype, {rows, in}, 3);
  Tensor y(dtype, {rows, out});
  const auto linear = Linear::Create(weight.view(), bias.view(), dtype);
  Linear::Args args{x.view().data, in, y.mutable_view().data, out, rows};
  args.activation = Activation::kGeluErf;
  if (!linear.ok() || !linear->Run(args, Context()).ok() || !FirstRowIsRight(weight, bias, x, y)) {
    state.SkipWithError("differs from the reference");
    return;
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(linear->Run(args, Context()).ok());
    benchmark::ClobberMemory();
  }
  state.counters["flop/s"] = benchmark::Counter(2.0 * static_cast<double>(rows * in * out),
                                                benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(BM_Linear)
    ->ArgNames({"rows", "in", "out", "bf16"})
    ->ArgsProduct({{1, 16, 44, 128, 512}, {768}, {768, 3072}, {0, 1}})
    ->ArgsProduct({{512}, {3072}, {768}, {0, 1}})
    ->ArgsProduct({{44}, {64}, {128}, {0, 1}})
    ->UseRealTime();

}  // namespace
}  // namespace attentiond

BENCHMARK_MAIN();
