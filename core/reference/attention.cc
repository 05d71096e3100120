#include "core/reference/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/container/inlined_vector.h"
#include "core/tensor/element.h"

namespace attentiond::reference {
namespace {

constexpr double kMasked = -std::numeric_limits<double>::infinity();

template <typename T>
T At(const AttentionBroadcast<T>& values, int64_t b, int64_t h, int64_t i, int64_t j) {
  return values.data[b * values.batch_stride + h * values.head_stride + i * values.query_stride +
                     j * values.key_stride];
}

bool IsVisible(const AttentionArgs& args, int64_t b, int64_t h, int64_t i, int64_t j) {
  // The last query is aligned with the last key.
  const int64_t position = i + args.kv_lengths.length(b) - args.query_lengths.length(b);
  if (args.causal && j > position) return false;
  if (args.window.has_value() && j <= position - *args.window) return false;
  if (!args.valid_kv.empty() && j >= args.valid_kv[static_cast<size_t>(b)]) return false;
  return args.mask.data == nullptr || At(args.mask, b, h, i, j);
}

double Score(const AttentionArgs& args, int64_t b, int64_t h, int64_t i, int64_t j) {
  const int64_t kv_head = h / (args.num_heads / args.num_kv_heads);
  const int64_t query = TokenOffset(args.query, args.query_lengths, b, h, i);
  const int64_t key = TokenOffset(args.key, args.kv_lengths, b, kv_head, j);
  double score = 0;
  for (int64_t d = 0; d < args.head_dim; ++d) {
    score += double{LoadElement(args.query.data, args.dtype, query + d)} *
             double{LoadElement(args.key.data, args.dtype, key + d)};
  }
  score *= args.scale.value_or(1 / std::sqrt(static_cast<double>(args.head_dim)));
  if (args.softcap.has_value()) score = *args.softcap * std::tanh(score / *args.softcap);
  if (args.bias.data != nullptr) score += double{At(args.bias, b, h, i, j)};
  return score;
}

// Replaces scores by probabilities; returns log(sum_j exp(score_j)). Masked everywhere: zeros and
// -inf.
double SoftmaxInPlace(absl::Span<double> scores) {
  double max = kMasked;
  for (const double score : scores) max = std::max(max, score);
  if (max == kMasked) {
    std::fill(scores.begin(), scores.end(), 0.0);
    return kMasked;
  }
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - max);
  for (double& score : scores) score /= sum;
  return max + std::log(sum);
}

}  // namespace

void AttentionRows(const AttentionArgs& args, const AttentionOutputs& outputs, int64_t b, int64_t h,
                   int64_t query_begin, int64_t query_end) {
  const int64_t kv_head = h / (args.num_heads / args.num_kv_heads);
  absl::InlinedVector<double, 64> weights(static_cast<size_t>(args.kv_lengths.length(b)));
  for (int64_t i = query_begin; i < query_end; ++i) {
    for (size_t j = 0; j < weights.size(); ++j) {
      const int64_t key = static_cast<int64_t>(j);
      weights[j] = IsVisible(args, b, h, i, key) ? Score(args, b, h, i, key) : kMasked;
    }
    const double lse = SoftmaxInPlace(absl::MakeSpan(weights));
    const int64_t output = TokenOffset(outputs.output, args.query_lengths, b, h, i);
    for (int64_t d = 0; d < args.value_dim; ++d) {
      double sum = 0;
      for (size_t j = 0; j < weights.size(); ++j) {
        if (weights[j] == 0) continue;  // a masked key's value may be anything, even infinite
        const int64_t value =
            TokenOffset(args.value, args.kv_lengths, b, kv_head, static_cast<int64_t>(j));
        sum += weights[j] * double{LoadElement(args.value.data, args.dtype, value + d)};
      }
      StoreElement(outputs.output.data, args.dtype, output + d, static_cast<float>(sum));
    }
    if (outputs.weights != nullptr) {
      std::transform(weights.begin(), weights.end(), WeightsRow(args, outputs, b, h, i),
                     [](double weight) { return static_cast<float>(weight); });
    }
    if (outputs.lse != nullptr) *LsePlace(args, outputs, b, h, i) = static_cast<float>(lse);
  }
}

void Attention(const AttentionArgs& args, const AttentionOutputs& outputs) {
  for (int64_t b = 0; b < args.batch; ++b) {
    for (int64_t h = 0; h < args.num_heads; ++h) {
      AttentionRows(args, outputs, b, h, 0, args.query_lengths.length(b));
    }
  }
}

}  // namespace attentiond::reference
