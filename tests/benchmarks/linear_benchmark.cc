// Linear layers at the shapes of BERT-base next to oneDNN's own matrix product, run alternately. A
// row is compared with the reference before anything is timed.
//
//   linear_benchmark --benchmark_counters_tabular=true
//
// Counters: "linear" and "matmul" are the medians in flop/s; "ratio" is the first in terms of the
// second. Ours adds a bias, and activates or adds a residual as the encoder does there; oneDNN's
// multiplies alone. So are "int8" and "bf16" where these two alternate.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>

#include "core/onednn/isa.h"
#include "core/ops/linear.h"
#include "core/parallel/cpu_budget.h"
#include "core/reference/linear.h"
#include "core/reference/quantized_linear.h"
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
  Layer(LinearTypes types, int64_t rows, int64_t in, int64_t out)
      : Layer(types, types.activations, rows, in, out) {}

  bool Run() { return linear_.ok() && linear_->Run(args_, context_).ok(); }

  bool FirstRowIsRight() const {
    const bool in_int8 = linear_->types().weights == DType::kI8;
    const std::vector<float> expected = in_int8 ? FirstRowInInt8() : FirstRow();
    const std::vector<float> ys = ToFloats(y_.view());
    // With int8 the sums are exact; what is left are a few roundings of numbers of order 10.
    const int64_t in = weight_.shape().dim(1);
    const double sum_error = in_int8 ? 0 : testing::DotTolerance(in, static_cast<double>(in));
    for (size_t i = 0; i < expected.size(); ++i) {
      const double tolerance =
          sum_error + testing::RoundingTolerance(y_.dtype(), double{expected[i]}) + 1e-5;
      if (!(std::abs(double{ys[i]} - double{expected[i]}) <= tolerance)) return false;
    }
    return true;
  }

 private:
  Layer(LinearTypes types, DType dtype, int64_t rows, int64_t in, int64_t out)
      : weight_(RandomTensor(dtype, {out, in}, 1)),
        bias_(RandomTensor(DType::kF32, {out}, 2)),
        x_(RandomTensor(dtype, {rows, in}, 3)),
        residual_(RandomTensor(dtype, {rows, out}, 4)),
        y_(dtype, {rows, out}),
        linear_(Linear::Create(weight_.view(), bias_.view(), types)),
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

  size_t outputs() const { return static_cast<size_t>(weight_.shape().dim(0)); }
  std::vector<float> FirstInput() const {
    std::vector<float> xs = ToFloats(x_.view());
    xs.resize(static_cast<size_t>(weight_.shape().dim(1)));
    return xs;
  }
  // Empty where there is none.
  std::vector<float> FirstResidual() const {
    std::vector<float> residuals = ToFloats(residual_.view());
    residuals.resize(args_.residual == nullptr ? 0 : outputs());
    return residuals;
  }
  std::vector<float> FirstRow() const {
    std::vector<float> expected(outputs());
    const std::vector<float> weights = ToFloats(weight_.view());
    reference::Linear({weights, bias_.values<float>(), args_.activation}, FirstInput(),
                      FirstResidual(), absl::MakeSpan(expected));
    return expected;
  }
  std::vector<float> FirstRowInInt8() const {
    std::vector<float> expected(outputs());
    const std::vector<float> weights = ToFloats(weight_.view()), x = FirstInput();
    reference::QuantizedLinearLayer layer{{}, bias_.values<float>(), args_.activation};
    for (size_t out = 0; out < outputs(); ++out) {
      layer.weight.push_back(
          reference::Quantize(absl::MakeConstSpan(weights).subspan(out * x.size(), x.size())));
    }
    reference::QuantizedLinear(layer, reference::Quantize(x), FirstResidual(),
                               absl::MakeSpan(expected));
    return expected;
  }

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
  testing::Alternate(state,
                     {"linear", matmul.flop(), [&] { benchmark::DoNotOptimize(layer.Run()); }},
                     {"matmul", matmul.flop(), [&] { matmul.Run(); }});
}
BENCHMARK(BM_Linear)
    ->ArgNames({"rows", "in", "out", "bf16"})
    ->ArgsProduct({{16, 128, 1024, 4096}, {768}, {768, 2304, 3072}, {1, 0}})
    ->ArgsProduct({{16, 128, 1024, 4096}, {3072}, {768}, {1, 0}})
    ->UseManualTime();

// Arguments: rows, inputs, outputs.
void BM_LinearInt8(benchmark::State& state) {
  const int64_t rows = state.range(0), in = state.range(1), out = state.range(2);
  if (!onednn::HasMicroKernels(DType::kU8) || !onednn::HasMicroKernels(DType::kBF16)) {
    state.SkipWithError("this processor does not multiply the types");
    return;
  }
  Layer in_int8({DType::kBF16, DType::kI8}, rows, in, out), in_bf16(DType::kBF16, rows, in, out);
  if (!in_int8.Run() || !in_int8.FirstRowIsRight() || !in_bf16.Run()) {
    state.SkipWithError("differs from the reference");
    return;
  }
  const double flop = 2.0 * static_cast<double>(rows * in * out);
  testing::Alternate(state, {"int8", flop, [&] { benchmark::DoNotOptimize(in_int8.Run()); }},
                     {"bf16", flop, [&] { benchmark::DoNotOptimize(in_bf16.Run()); }});
}
BENCHMARK(BM_LinearInt8)
    ->ArgNames({"rows", "in", "out"})
    ->ArgsProduct({{1, 16, 128, 1024, 4096}, {768}, {768, 2304, 3072}})
    ->ArgsProduct({{1, 16, 128, 1024, 4096}, {3072}, {768}})
    ->UseManualTime();

}  // namespace
}  // namespace attentiond

BENCHMARK_MAIN();
