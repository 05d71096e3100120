#include "core/generate/sampling.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace attentiond {
namespace {

/// Mixes the bits of a number: any two differ in half of them. Source: Steele et al. 2014,
/// doi:10.1145/2660193.2660195 (SplitMix64).
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// In [0, 1).
double UniformOf(uint64_t seed, int64_t sample, int64_t step) {
  const uint64_t mixed =
      Mix(Mix(Mix(seed) + static_cast<uint64_t>(sample)) + static_cast<uint64_t>(step));
  return static_cast<double>(mixed >> 11) * 0x1p-53;
}

}  // namespace

int64_t SampleCandidates(const GenerationOptions& options, int64_t vocab_size) {
  return options.top_k > 0 ? std::min(options.top_k, vocab_size) : vocab_size;
}

size_t SampleToken(absl::Span<const ScoredToken> likeliest, const GenerationOptions& options,
                   int64_t sample, int64_t step) {
  std::vector<double> weights;
  double total = 0;
  for (const ScoredToken& token : likeliest) {
    const double difference = double{token.score} - double{likeliest.front().score};
    weights.push_back(std::exp(difference / options.temperature));
    total += weights.back();
  }
  // A token stays as long as the likelier ones have not reached top_p; the first one always.
  double nucleus = weights.front();
  size_t kept = 1;
  while (kept < weights.size() && weights[kept] > 0 && nucleus < options.top_p * total) {
    nucleus += weights[kept++];
  }
  double left = UniformOf(options.seed, sample, step) * nucleus;
  for (size_t i = 0; i + 1 < kept; ++i) {
    left -= weights[i];
    if (left < 0) return i;
  }
  return kept - 1;
}

}  // namespace attentiond
