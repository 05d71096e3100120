// How fast attention is; the result is compared with the reference before anything is timed.
//
// Counters: flop/s counts 2 (D + Dv) for every visible pair of query and key.
#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <vector>

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

// One query over many keys, as when decoding: bytes/s are those of the keys and values, each read
// once.
void BM_FewQueries(benchmark::State& state) {
  AttentionShape shape = Dense(1, state.range(0), state.range(1), 128, DType::kBF16);
  shape.queries = {state.range(2)};
  RunShape(state, shape);
  state.SetBytesProcessed(state.iterations() * shape.heads * shape.keys[0] * 2 * 128 * 2);
}
BENCHMARK(BM_FewQueries)
    ->ArgNames({"heads", "keys", "queries"})
    ->ArgsProduct({{32}, {512, 4096, 32768}, {1}})
    ->Args({32, 4096, 4})
    ->Args({32, 4096, 5})
    ->Args({1, 32768, 1})
    ->UseRealTime();

// What the memory gives: the sum of an array that no cache holds, by all threads.
void BM_ReadSum(benchmark::State& state) {
  const std::vector<float> values(size_t{256} << 20, 1.0f);
  ThreadPool& threads = Context().threads();
  for (auto _ : state) {
    const auto chunks = static_cast<int64_t>(values.size() / 4096);
    threads.ParallelFor(chunks, 1, [&](int64_t begin, int64_t end, int) {
      std::array<float, 64> sums{};
      for (int64_t i = begin * 4096; i < end * 4096; i += 64) {
        for (size_t lane = 0; lane < 64; ++lane) {
          sums[lane] += values[static_cast<size_t>(i) + lane];
        }
      }
      benchmark::DoNotOptimize(sums);
    });
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(values.size() * sizeof(float)));
}
BENCHMARK(BM_ReadSum)->UseRealTime();

}  // namespace
}  // namespace attentiond

BENCHMARK_MAIN();
