// Linear layers at the shapes of BERT-base next to oneDNN's own matrix product, run alternately. A
// row is compared with the reference before anything is timed.
//
//   linear_benchmark --benchmark_counters_tabular=true
//
// Counters: "linear" and "matmul" are the medians in flop/s; "ratio" is the first in terms of the
// second. Ours adds a bias, and activates or adds a residual as the encoder does there; oneDNN's
// multiplies alone.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>

#include "core/onednn/isa.h"
#include "core/ops/linear.h"
#include "core/parallel/cpu_budget.h"
#include "core/reference/linear.h"
#include "tests/benchmarks/alternation.h"
#include "tests/benchmarks/onednn_matmul.h"
#include "tests/testing/random_tensor.h"
#include "tests/testing/tolerance.h"

namespace attentiond {
namespace {

using testing::RandomTensor;
using testing::ToFloats;

ThreadPool& Threads() {
  static ThreadPool threads(ReadCpuBudget().threads);
  return threads;
}

// A layer, its input and its output.
class Layer {
 public:
  Layer(DType dtype, int64_t rows, int64_t in, int64_t out)
      : weight_(RandomTensor(dtype, {out, in}, 1)),
        bias_(RandomTensor(DType::kF32, {out}, 2)),
        x_(RandomTensor(dtype, {rows, in}, 3)),
        residual_(RandomTensor(dtype, {rows, out}, 4)),
        y_(dtype, {rows, out}),
        linear_(Linear::Create(weight_.view(), bias_.view(), dtype)),
        context_(&Threads()) {
    args_.x = x_.view().data;
    args_.x_stride = in;
    args_.y = y_.mutable_view().data;
    args_.y_stride = out;
    args_.rows = rows;
    // As in an encoder: the widest layer activates, those as wide as the hidden state add to it.
    if (out == 3072) args_.activation = Activation::kGeluErf;
    if (out == 768) args_.residual = residual_.view().data;
  }

  bool Run() { return linear_.ok() && linear_->Run(args_, context_).ok(); }

  bool FirstRowIsRight() const {
    const std::vector<float> weights = ToFloats(weight_.view()), xs = ToFloats(x_.view()),
                             ys = ToFloats(y_.view()), residuals = ToFloats(residual_.view());
    const int64_t in = weight_.shape().dim(1);
    const auto out = static_cast<size_t>(weight_.shape().dim(0));
    std::vector<float> expected(out);
    reference::Linear({weights, bias_.values<float>(), args_.activation},
                      absl::MakeConstSpan(xs).subspan(0, static_cast<size_t>(in)),
                      args_.residual == nullptr ? absl::Span<const float>()
                                                : absl::MakeConstSpan(residuals).subspan(0, out),
                      absl::MakeSpan(expected));
    for (size_t i = 0; i < out; ++i) {
      const double tolerance = testing::DotTolerance(in, static_cast<double>(in)) +
                               testing::RoundingTolerance(y_.dtype(), double{expected[i]}) + 1e-5;
      if (std::abs(double{ys[i]} - double{expected[i]}) > tolerance) return false;
    }
    return true;
  }

 private:
  Tensor weight_, bias_, x_, residual_, y_;
  absl::StatusOr<Linear> linear_;
  ExecutionContext context_;
  Linear::Args args_;
};

// Arguments: rows, inputs, outputs, 1 for bf16.
void BM_Linear(benchmark::State& state) {
  const int64_t rows = state.range(0), in = state.range(1), out = state.range(2);
  const DType dtype = state.range(3) == 1 ? DType::kBF16 : DType::kF32;
  if (!onednn::HasMicroKernels(dtype)) {
    state.SkipWithError("this processor does not multiply the type");
    return;
  }
  Layer layer(dtype, rows, in, out);
  if (!layer.Run() || !layer.FirstRowIsRight()) {
    state.SkipWithError("differs from the reference");
    return;
  }
  testing::OneDnnMatmul matmul(dtype, rows, in, out, &Threads());
  testing::Alternate(
      state, {"linear", matmul.flop(), [&] { benchmark::DoNotOptimize(layer.Run()); }},
      {"matmul", matmul.flop(), [&] { matmul.Run(); }});
}
BENCHMARK(BM_Linear)
    ->ArgNames({"rows", "in", "out", "bf16"})
    ->ArgsProduct({{16, 128, 1024, 4096}, {768}, {768, 2304, 3072}, {1, 0}})
    ->ArgsProduct({{16, 128, 1024, 4096}, {3072}, {768}, {1, 0}})
    ->UseManualTime();

}  // namespace
}  // namespace attentiond

BENCHMARK_MAIN();
