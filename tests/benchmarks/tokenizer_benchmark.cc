// tests/benchmarks/tokenizer_benchmark.cc -- text to ids: how long a sentence, a document and text
// beyond ASCII take with WordPiece, and texts in many scripts with each kind of tokenizer; how long
// a tokenizer takes to load.
//
// Each reports bytes of text per second. The vocabularies are the golden ones of about 1,000
// tokens, so words fall into more pieces than with downloaded ones of 30,000. tokenizer_peers.py
// compares with Hugging Face's.
#include <benchmark/benchmark.h>

#include <iterator>
#include <memory>
#include <string>

#include "core/base/check.h"
#include "core/text/tokenizer.h"

namespace attentiond {
namespace {

constexpr char kSentence[] = "I love my cat, but my cat hates me.";
constexpr char kAccented[] = "L'été dernier, à Besançon, nous avons mangé des crêpes très sucrées.";
constexpr char kChinese[] = "注意力机制让模型衡量输入各部分的重要性。";

const Tokenizer& GoldenTokenizer() {
  static const auto* const tokenizer = [] {
    auto loaded = Tokenizer::Load(ATTENTIOND_SOURCE_DIR "/tests/golden/bert-classify");
    ATTENTIOND_CHECK(loaded.ok());
    return loaded->release();
  }();
  return *tokenizer;
}

std::string Repeated(absl::string_view text, int64_t times) {
  std::string result;
  for (int64_t i = 0; i < times; ++i) {
    result.append(text.data(), text.size());
    result.push_back(' ');
  }
  return result;
}

void EncodeAll(benchmark::State& state, const std::string& text) {
  const Tokenizer& tokenizer = GoldenTokenizer();
  int64_t num_tokens = 0;
  for (auto _ : state) {
    const auto encoding = tokenizer.Encode(text, std::nullopt, {});
    ATTENTIOND_CHECK(encoding.ok());
    num_tokens = encoding->size();
    benchmark::DoNotOptimize(encoding->ids.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
  state.counters["tokens"] = static_cast<double>(num_tokens);
}

// range(0): how often the sentence is repeated.
void BM_EncodeAscii(benchmark::State& state) {
  EncodeAll(state, Repeated(kSentence, state.range(0)));
}
BENCHMARK(BM_EncodeAscii)->Arg(1)->Arg(16)->Arg(1024);

void BM_EncodeAccented(benchmark::State& state) {
  EncodeAll(state, Repeated(kAccented, state.range(0)));
}
BENCHMARK(BM_EncodeAccented)->Arg(1)->Arg(1024);

void BM_EncodeChinese(benchmark::State& state) {
  EncodeAll(state, Repeated(kChinese, state.range(0)));
}
BENCHMARK(BM_EncodeChinese)->Arg(1)->Arg(1024);

// Each kind of tokenizer on the same text.
constexpr const char* kKinds[] = {
    "bert-classify",   "roberta-classify",        "tokenizers/llama-lm",  "tokenizers/llama2",
    "tokenizers/xlmr", "t5-translate", "tokenizers/deberta-v3"};

void BM_EncodeMixed(benchmark::State& state) {
  const char* const kind = kKinds[state.range(0)];
  state.SetLabel(kind);
  const auto tokenizer =
      Tokenizer::Load(std::string(ATTENTIOND_SOURCE_DIR "/tests/golden/") + kind);
  ATTENTIOND_CHECK(tokenizer.ok());
  const std::string text = Repeated(std::string(kSentence) + " " + kAccented + " " + kChinese +
                                        " Привет, мир! 12345 e-mail@example.com  👍🏽 नमस्ते "
                                        "दुनिया",
                                    16);
  for (auto _ : state) benchmark::DoNotOptimize((*tokenizer)->Encode(text, std::nullopt, {}));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}
BENCHMARK(BM_EncodeMixed)->DenseRange(0, std::size(kKinds) - 1);

void BM_Decode(benchmark::State& state) {
  const Tokenizer& tokenizer = GoldenTokenizer();
  const std::string text = Repeated(kSentence, state.range(0));
  const auto encoding = tokenizer.Encode(text, std::nullopt, {});
  ATTENTIOND_CHECK(encoding.ok());
  for (auto _ : state) {
    benchmark::DoNotOptimize(tokenizer.Decode(encoding->ids, /*skip_special_tokens=*/true));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}
BENCHMARK(BM_Decode)->Arg(1)->Arg(16);

void BM_Load(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(Tokenizer::Load(ATTENTIOND_SOURCE_DIR "/tests/golden/bert-classify"));
  }
}
BENCHMARK(BM_Load);

}  // namespace
}  // namespace attentiond

BENCHMARK_MAIN();
