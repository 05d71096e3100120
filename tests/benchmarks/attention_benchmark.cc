// How fast attention is; the result is compared with the reference before anything is timed.
//
// Counters: flop/s counts 2 (D + Dv) for every visible pair of query and key.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "core/parallel/cpu_budget.h"
#include "tests/testing/attention_problem.h"

namespace attentiond {
namespace {

using testing::AttentionProblem;
using testing::AttentionShape;

ExecutionContext& Context() {
  static ThreadPool threads(ReadCpuBudget().threads);
  static ExecutionContext context(&threads);
  return context;
}

int64_t VisiblePairs(const AttentionShape& shape) {
  int64_t pairs = 0;
  for (size_t b = 0; b < shape.queries.size(); ++b) {
    const int64_t queries = shape.queries[b], keys = shape.keys[b];
    pairs += queries * keys - (shape.causal ? queries * (queries - 1) / 2 : 0);
  }
  return pairs * shape.heads;
}

void RunShape(benchmark::State& state, const AttentionShape& shape) {
  const AttentionProblem problem(shape);
  // The reference takes seconds for large shapes; they are made of the same tiles as small ones.
  if (VisiblePairs(shape) <= 1'000'000) {
    problem.Check(problem.Run(Context()));
    if (::testing::Test::HasFailure()) {
      state.SkipWithError("differs from the reference");
      return;
    }
  }
  problem.Collect([&](const AttentionArgs& args, AttentionOutputs outputs) {
    outputs.weights = nullptr;
    outputs.weights_offsets = {};
    outputs.lse = nullptr;
    for (auto _ : state) {
      benchmark::DoNotOptimize(Attention(args, outputs, Context()).ok());
      benchmark::ClobberMemory();
    }
    state.SetLabel(AttentionKernelName(args));
  });
  state.counters["flop/s"] = benchmark::Counter(
      2.0 * static_cast<double>(VisiblePairs(shape) * (shape.head_dim + shape.value_dim)),
      benchmark::Counter::kIsIterationInvariantRate);
}

AttentionShape Dense(int64_t batch, int64_t heads, int64_t length, int64_t head_dim, DType dtype) {
  AttentionShape shape;
  shape.heads = shape.kv_heads = heads;
  shape.head_dim = shape.value_dim = head_dim;
  shape.queries = shape.keys = std::vector<int64_t>(static_cast<size_t>(batch), length);
  shape.dtype = dtype;
  return shape;
}

// Arguments: sequences, heads, length, head size, 1 for bf16.
void BM_Attention(benchmark::State& state) {
  RunShape(state, Dense(state.range(0), state.range(1), state.range(2), state.range(3),
                        state.range(4) == 1 ? DType::kBF16 : DType::kF32));
}
BENCHMARK(BM_Attention)
    ->ArgNames({"batch", "heads", "length", "head_dim", "bf16"})
    ->Args({1, 1, 1, 1, 0})
    ->Args({1, 1, 16, 16, 0})
    ->ArgsProduct({{8}, {12}, {16, 128, 512}, {64}, {0, 1}})
    ->ArgsProduct({{1}, {8}, {2048}, {64, 128}, {0, 1}})
    ->UseRealTime();

void BM_CausalAttention(benchmark::State& state) {
  AttentionShape shape = Dense(1, 8, 2048, 64, DType::kBF16);
  shape.causal = true;
  RunShape(state, shape);
}
BENCHMARK(BM_CausalAttention)->UseRealTime();

// As many tokens and, on average, as long as dense sequences of 128.
void BM_RaggedAttention(benchmark::State& state) {
  AttentionShape shape = Dense(1, 12, 0, 64, DType::kBF16);
  shape.ragged = true;
  shape.queries = shape.keys = {16, 240, 100, 156, 64, 192, 8, 248};
  RunShape(state, shape);
}
BENCHMARK(BM_RaggedAttention)->UseRealTime();

}  // namespace
}  // namespace attentiond

BENCHMARK_MAIN();
