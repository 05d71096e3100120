// Whole encoders with random weights, of the sizes of BERT-base (12 layers of 768 channels) and
// all-MiniLM-L6 (6 layers of 384), next to oneDNN's own matrix product at BERT-base's shapes for
// 1024 tokens, run alternately; and int8 next to bf16.
//
//   encoder_benchmark --benchmark_counters_tabular=true
//
// Counters: "encoder" and "matmul" are the medians in flop/s of the multiplications (linear layers
// and attention); "ratio" is the first in terms of the second; "ms" is the median latency. So are
// "int8" and "bf16" where these two alternate, and "cosine" is that of the first row's embeddings.
#include <benchmark/benchmark.h>

#include <map>
#include <numeric>
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
constexpr auto kInt8 = LoadOptions::Precision::kInt8;

using LoadedModel = absl::StatusOr<std::shared_ptr<const Model>>;

// Made and loaded once: that takes longer than many a measurement.
const LoadedModel& Loaded(const EncoderSizes& sizes, LoadOptions::Precision precision) {
  static auto* const models = new std::map<std::pair<int64_t, LoadOptions::Precision>, LoadedModel>;
  if (models->count({sizes.hidden_size, precision}) == 0) {
    const TemporaryDirectory directory;
    RandomEncoder(*FindEncoderFamily("bert"), sizes, false).WriteTo(directory);
    for (const auto each : {kF32, kBF16, kInt8}) {
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

ThreadPool& Threads() {
  static ThreadPool threads(ReadCpuBudget().threads);
  return threads;
}

// Rows of these lengths, of random tokens, and a context to run them in.
class Batch {
 public:
  Batch(const EncoderSizes& sizes, const std::vector<int64_t>& lengths)
      : rows_(lengths.size()), context_(&Threads()) {
    std::mt19937 generator(2);
    for (const int64_t length : lengths) {
      ids_.emplace_back(static_cast<size_t>(length));
      for (int32_t& id : ids_.back()) {
        id = static_cast<int32_t>(generator() % static_cast<uint32_t>(sizes.vocab_size));
      }
      flop_ += Flop(sizes, static_cast<double>(length));
    }
    for (size_t i = 0; i < rows_.size(); ++i) {
      rows_[i].ids = ids_[i];
      rows_[i].want_embedding = true;
    }
  }

  double flop() const { return flop_; }
  const std::vector<float>& first_embedding() const { return results_[0].embedding; }
  void Run(const Model& model, benchmark::State& state) {
    if (!model.AsTextEncoder()->Run(rows_, context_, &results_).ok()) {
      state.SkipWithError("the model does not run");
    }
  }

 private:
  std::vector<std::vector<int32_t>> ids_;
  std::vector<EncoderRow> rows_;
  ExecutionContext context_;
  std::vector<EncoderRowResult> results_;
  double flop_ = 0;
};

void SetLabel(benchmark::State& state) {
  state.SetLabel(std::to_string(Threads().num_threads()) + " threads, " + DescribePlatform().isa);
}

void RunRows(benchmark::State& state, const EncoderSizes& sizes, LoadOptions::Precision precision,
             const std::vector<int64_t>& lengths) {
  const LoadedModel& model = Loaded(sizes, precision);
  if (!model.ok()) {
    state.SkipWithError("the model does not load");
    return;
  }
  Batch batch(sizes, lengths);
  batch.Run(**model, state);
  testing::OneDnnEncoderLayer layer((*model)->info().compute, 1024, &Threads());
  testing::Alternate(state, {"encoder", batch.flop(), [&] { batch.Run(**model, state); }},
                     {"matmul", layer.flop(), [&] { layer.Run(); }});
  state.counters["ms"] = 1e3 * batch.flop() / state.counters["encoder"];
  SetLabel(state);
}

// Of vectors of length 1.
double Cosine(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

void CompareInt8(benchmark::State& state, const EncoderSizes& sizes,
                 const std::vector<int64_t>& lengths) {
  const LoadedModel &in_int8 = Loaded(sizes, kInt8), &in_bf16 = Loaded(sizes, kBF16),
                    &in_f32 = Loaded(sizes, kF32);
  if (!in_int8.ok() || !in_bf16.ok() || !in_f32.ok()) {
    state.SkipWithError("this processor lacks a type");
    return;
  }
  Batch batch(sizes, lengths), other(sizes, lengths);
  batch.Run(**in_int8, state);
  other.Run(**in_f32, state);
  const double cosine = Cosine(batch.first_embedding(), other.first_embedding());
  other.Run(**in_bf16, state);
  testing::Alternate(state, {"int8", batch.flop(), [&] { batch.Run(**in_int8, state); }},
                     {"bf16", other.flop(), [&] { other.Run(**in_bf16, state); }});
  state.counters["ms"] = 1e3 * batch.flop() / state.counters["int8"];
  state.counters["cosine"] = cosine;
  SetLabel(state);
}

// Arguments: rows, tokens in each.
void EqualRows(benchmark::State& state, const EncoderSizes& sizes,
               LoadOptions::Precision precision) {
  RunRows(state, sizes, precision,
          std::vector<int64_t>(static_cast<size_t>(state.range(0)), state.range(1)));
}

void EqualRowsInt8(benchmark::State& state, const EncoderSizes& sizes) {
  CompareInt8(state, sizes,
              std::vector<int64_t>(static_cast<size_t>(state.range(0)), state.range(1)));
}

// Lengths of 4 to 64 tokens, as short texts have them.
std::vector<int64_t> ShortLengths(int64_t rows) {
  std::mt19937 generator(1);
  std::vector<int64_t> lengths;
  for (int64_t row = 0; row < rows; ++row) {
    lengths.push_back(4 + static_cast<int64_t>(generator() % 61));
  }
  return lengths;
}

// Argument: rows.
void RaggedRows(benchmark::State& state, const EncoderSizes& sizes,
                LoadOptions::Precision precision) {
  RunRows(state, sizes, precision, ShortLengths(state.range(0)));
}
void RaggedRowsInt8(benchmark::State& state, const EncoderSizes& sizes) {
  CompareInt8(state, sizes, ShortLengths(state.range(0)));
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
BENCHMARK_CAPTURE(EqualRowsInt8, bert_base, kBertBase)->Apply(Equal);
BENCHMARK_CAPTURE(RaggedRowsInt8, bert_base, kBertBase)->Arg(8)->Arg(64)->UseManualTime();
BENCHMARK_CAPTURE(RaggedRowsInt8, minilm, kMiniLm)->Arg(8)->Arg(64)->UseManualTime();

}  // namespace
}  // namespace attentiond

BENCHMARK_MAIN();
