// A whole encoder of the size of all-MiniLM-L6 (6 layers of 384 channels, 12 heads) with random
// weights: latency of one row, and throughput of ragged batches.
//
//   encoder_benchmark --benchmark_counters_tabular=true
//
// Counters: tokens/s; and flop/s of the multiplications (linear layers and attention).
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "core/engine/model.h"
#include "core/parallel/cpu_budget.h"
#include "tests/testing/random_encoder.h"

namespace attentiond {
namespace {

using ::attentiond::testing::EncoderSizes;
using ::attentiond::testing::RandomEncoder;
using ::attentiond::testing::TemporaryDirectory;

constexpr EncoderSizes kMiniLm = {.hidden_size = 384,
                                  .num_layers = 6,
                                  .num_heads = 12,
                                  .intermediate_size = 1536,
                                  .vocab_size = 2000,
                                  .max_positions = 512};

// Loaded once for each type: packing the weights takes longer than many a measurement.
const TextEncoder* MiniLm(LoadOptions::Precision precision) {
  static const auto load = [](LoadOptions::Precision wanted) {
    const TemporaryDirectory directory;
    RandomEncoder(*FindEncoderFamily("bert"), kMiniLm, false).WriteTo(directory);
    return LoadModel(directory.path(), {.precision = wanted});
  };
  static const auto f32 = load(LoadOptions::Precision::kF32);
  static const auto bf16 = load(LoadOptions::Precision::kBF16);
  const auto& model = precision == LoadOptions::Precision::kF32 ? f32 : bf16;
  return model.ok() ? (*model)->AsTextEncoder() : nullptr;
}

// Multiplications and additions of one row of `tokens` tokens.
double Flop(double tokens) {
  const auto hidden = static_cast<double>(kMiniLm.hidden_size);
  const auto inner = static_cast<double>(kMiniLm.intermediate_size);
  const double linear = 2 * tokens * (4 * hidden * hidden + 2 * hidden * inner);
  const double attention = 4 * tokens * tokens * hidden;
  return static_cast<double>(kMiniLm.num_layers) * (linear + attention);
}

void RunRows(benchmark::State& state, LoadOptions::Precision precision,
             const std::vector<int64_t>& lengths) {
  const TextEncoder* encoder = MiniLm(precision);
  if (encoder == nullptr) {
    state.SkipWithError("the model does not load");
    return;
  }
  ThreadPool threads(ReadCpuBudget().threads);
  ExecutionContext context(&threads);
  std::vector<std::vector<int32_t>> ids;
  std::vector<EncoderRow> rows(lengths.size());
  double tokens = 0, flop = 0;
  for (const int64_t length : lengths) {
    ids.emplace_back(static_cast<size_t>(length), 7);
    tokens += static_cast<double>(length);
    flop += Flop(static_cast<double>(length));
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].ids = ids[i];
    rows[i].want_embedding = true;
  }
  std::vector<EncoderRowResult> results;
  for (auto unused : state) {
    if (!encoder->Run(rows, context, &results).ok()) state.SkipWithError("the model does not run");
    benchmark::DoNotOptimize(results);
  }
  using benchmark::Counter;
  state.counters["tokens/s"] = Counter(tokens, Counter::kIsIterationInvariantRate);
  state.counters["flop/s"] = Counter(flop, Counter::kIsIterationInvariantRate);
  state.SetLabel(std::to_string(threads.num_threads()) + " threads, " + DescribePlatform().isa);
}

void OneRow(benchmark::State& state, LoadOptions::Precision precision) {
  RunRows(state, precision, {state.range(0)});
}

// Lengths from 4 to 64, as short texts have them.
void RaggedBatch(benchmark::State& state, LoadOptions::Precision precision) {
  std::mt19937 generator(1);
  std::vector<int64_t> lengths;
  for (int64_t row = 0; row < state.range(0); ++row) {
    lengths.push_back(4 + static_cast<int64_t>(generator() % 61));
  }
  RunRows(state, precision, lengths);
}

constexpr auto kF32 = LoadOptions::Precision::kF32;
constexpr auto kBF16 = LoadOptions::Precision::kBF16;
BENCHMARK_CAPTURE(OneRow, f32, kF32)->Arg(16)->Arg(128)->Arg(512)->UseRealTime();
BENCHMARK_CAPTURE(OneRow, bf16, kBF16)->Arg(16)->Arg(128)->Arg(512)->UseRealTime();
BENCHMARK_CAPTURE(RaggedBatch, f32, kF32)->Arg(8)->Arg(64)->UseRealTime();
BENCHMARK_CAPTURE(RaggedBatch, bf16, kBF16)->Arg(8)->Arg(64)->UseRealTime();

}  // namespace
}  // namespace attentiond

BENCHMARK_MAIN();
