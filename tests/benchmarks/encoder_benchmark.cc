// Whole encoders with random weights, of the sizes of BERT-base (12 layers of 768 channels) and
// all-MiniLM-L6 (6 layers of 384), next to oneDNN's own matrix product at BERT-base's shapes for
// 1024 tokens, run alternately.
//
//   encoder_benchmark --benchmark_counters_tabular=true
//
// Counters: "encoder" and "matmul" are the medians in flop/s of the multiplications (linear layers
// and attention); "ratio" is the first in terms of the second; "ms" is the median latency.
#include <benchmark/benchmark.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "core/engine/model.h"
#include "core/parallel/cpu_budget.h"
#include "tests/benchmarks/alternation.h"
#include "tests/benchmarks/onednn_matmul.h"
#include "tests/testing/random_encoder.h"

namespace attentiond {
namespace {

using ::attentiond::testing::EncoderSizes;
using ::attentiond::testing::RandomEncoder;
using ::attentiond::testing::TemporaryDirectory;

// The vocabularies are short: of a table only the rows in use matter.
constexpr EncoderSizes kBertBase = {.hidden_size = 768,
                                    .num_layers = 12,
                                    .num_heads = 12,
                                    .intermediate_size = 3072,
                                    .vocab_size = 2000,
                                    .max_positions = 512};
constexpr EncoderSizes kMiniLm = {.hidden_size = 384,
                                  .num_layers = 6,
                                  .num_heads = 12,
                                  .intermediate_size = 1536,
                                  .vocab_size = 2000,
                                  .max_positions = 512};

constexpr auto kF32 = LoadOptions::Precision::kF32;
constexpr auto kBF16 = LoadOptions::Precision::kBF16;

using LoadedModel = absl::StatusOr<std::shared_ptr<const Model>>;

// Made and loaded once: that takes longer than many a measurement.
const LoadedModel& Loaded(const EncoderSizes& sizes, LoadOptions::Precision precision) {
  static auto* const models = new std::map<std::pair<int64_t, LoadOptions::Precision>, LoadedModel>;
  if (models->count({sizes.hidden_size, precision}) == 0) {
    const TemporaryDirectory directory;
    RandomEncoder(*FindEncoderFamily("bert"), sizes, false).WriteTo(directory);
    for (const auto each : {kF32, kBF16}) {
      models->emplace(std::pair(sizes.hidden_size, each),
                      LoadModel(directory.path(), {.precision = each}));
    }
  }
  return models->at({sizes.hidden_size, precision});
}

// Multiplications and additions of one row of `tokens` tokens.
double Flop(const EncoderSizes& sizes, double tokens) {
  const auto hidden = static_cast<double>(sizes.hidden_size);
  const auto inner = static_cast<double>(sizes.intermediate_size);
  const double linear = 2 * tokens * (4 * hidden * hidden + 2 * hidden * inner);
  const double attention = 4 * tokens * tokens * hidden;
  return static_cast<double>(sizes.num_layers) * (linear + attention);
}

void RunRows(benchmark::State& state, const EncoderSizes& sizes, LoadOptions::Precision precision,
             const std::vector<int64_t>& lengths) {
  const LoadedModel& model = Loaded(sizes, precision);
  if (!model.ok()) {
    state.SkipWithError("the model does not load");
    return;
  }
  ThreadPool threads(ReadCpuBudget().threads);
  ExecutionContext context(&threads);
  std::vector<std::vector<int32_t>> ids;
  std::vector<EncoderRow> rows(lengths.size());
  double flop = 0;
  for (const int64_t length : lengths) {
    ids.emplace_back(static_cast<size_t>(length), 7);
    flop += Flop(sizes, static_cast<double>(length));
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].ids = ids[i];
    rows[i].want_embedding = true;
  }
  std::vector<EncoderRowResult> results;
  const auto run = [&] {
    if (!(*model)->AsTextEncoder()->Run(rows, context, &results).ok()) {
      state.SkipWithError("the model does not run");
    }
  };
  run();
  testing::OneDnnEncoderLayer layer((*model)->info().compute, 1024, &threads);
  testing::Alternate(state, {"encoder", flop, run}, {"matmul", layer.flop(), [&] { layer.Run(); }});
  state.counters["ms"] = 1e3 * flop / state.counters["encoder"];
  state.SetLabel(std::to_string(threads.num_threads()) + " threads, " + DescribePlatform().isa);
}

// Arguments: rows, tokens in each.
void EqualRows(benchmark::State& state, const EncoderSizes& sizes,
               LoadOptions::Precision precision) {
  RunRows(state, sizes, precision,
          std::vector<int64_t>(static_cast<size_t>(state.range(0)), state.range(1)));
}

// Argument: rows, of 4 to 64 tokens as short texts have them.
void RaggedRows(benchmark::State& state, const EncoderSizes& sizes,
                LoadOptions::Precision precision) {
  std::mt19937 generator(1);
  std::vector<int64_t> lengths;
  for (int64_t row = 0; row < state.range(0); ++row) {
    lengths.push_back(4 + static_cast<int64_t>(generator() % 61));
  }
  RunRows(state, sizes, precision, lengths);
}

void Equal(benchmark::internal::Benchmark* benchmark) {
  for (const auto& [rows, tokens] : {std::pair{1, 16}, {1, 128}, {1, 512}, {32, 128}}) {
    benchmark->Args({rows, tokens});
  }
  benchmark->ArgNames({"rows", "tokens"})->UseManualTime();
}
BENCHMARK_CAPTURE(EqualRows, bert_base_bf16, kBertBase, kBF16)->Apply(Equal);
BENCHMARK_CAPTURE(EqualRows, bert_base_f32, kBertBase, kF32)->Apply(Equal);
BENCHMARK_CAPTURE(RaggedRows, bert_base_bf16, kBertBase, kBF16)->Arg(8)->Arg(64)->UseManualTime();
BENCHMARK_CAPTURE(RaggedRows, minilm_bf16, kMiniLm, kBF16)->Arg(8)->Arg(64)->UseManualTime();

}  // namespace
}  // namespace attentiond

BENCHMARK_MAIN();
