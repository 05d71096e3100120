#include "core/generate/sampling.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/ops/logits.h"

namespace attentiond {
namespace {

// TopScores() is made for a few.
constexpr int64_t kFew = 256;

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

/// The tokens that can be drawn, the likeliest first.
std::vector<ScoredToken> Likeliest(absl::Span<const float> logits, int64_t top_k) {
  const auto size = static_cast<int64_t>(logits.size());
  const int64_t kept = top_k > 0 ? std::min(top_k, size) : size;
  std::vector<ScoredToken> tokens(static_cast<size_t>(kept <= kFew ? kept : size));
  if (kept <= kFew) {
    TopScores(logits.data(), size, absl::MakeSpan(tokens));
    return tokens;
  }
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = {logits[i], static_cast<int32_t>(i)};
  std::stable_sort(tokens.begin(), tokens.end(),
                   [](const ScoredToken& a, const ScoredToken& b) { return a.score > b.score; });
  tokens.resize(static_cast<size_t>(kept));
  return tokens;
}

}  // namespace

int32_t SampleToken(absl::Span<const float> logits, const GenerationOptions& options,
                    int64_t sample, int64_t step) {
  const std::vector<ScoredToken> tokens = Likeliest(logits, options.top_k);
  std::vector<double> weights;
  double total = 0;
  for (const ScoredToken& token : tokens) {
    const double difference = double{token.score} - double{tokens.front().score};
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
    if (left < 0) return tokens[i].token;
  }
  return tokens[kept - 1].token;
}

}  // namespace attentiond
