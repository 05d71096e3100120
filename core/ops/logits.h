// core/ops/logits.h -- what decoding reads of a row of logits.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/types/span.h"

namespace attentiond {

/// Rows of logits come in slices of whole blocks, but for the last: so sums do not depend on how
/// large slices are.
inline constexpr int64_t kLogitsBlock = 1536;

/// So many of each row's logits, whole blocks, are made, and read, at a time: what the threads'
/// second-level caches hold beside a part of the head's weights.
int64_t LogitsAtATime(int64_t rows);

/// log(sum of exp(x)) of values that come in slices.
class LogSumExp {
 public:
  /// In f32; finite x, or -inf. `size` >= 1.
  void Add(const float* x, int64_t size);
  /// -inf: nothing was added, or -inf alone.
  float value() const;

 private:
  void AddBlock(const float* x, int64_t size);

  float largest_ = -std::numeric_limits<float>::infinity();
  float sum_ = 0;  // of exp(x - largest_)
};

/// The largest of each `block` values, the last block's being the rest; not NaN. [ceil(size /
/// block)].
void LargestOfBlocks(const float* x, int64_t size, int64_t block, float* largest);
/// Sums of exp(x - shift) of the same; shift >= x.
void SumExpOfBlocks(const float* x, int64_t size, int64_t block, float shift, float* sums);

/// A token and its score: a logit, or a log-probability.
struct ScoredToken {
  float score = 0;
  int32_t token = 0;
};

/// The largest of scores that come in pieces, largest first, of equal ones the first.
class TopScores {
 public:
  /// Of so many scores; at least 1.
  explicit TopScores(int64_t limit);
  int64_t limit() const { return static_cast<int64_t>(top_.size()); }

  /// x[i] is that of the token first + i; not NaN. -inf is not held. Cost: one pass over x, and
  /// about k log(size / k) insertions into a list of k = limit.
  void Add(const float* x, int64_t size, int64_t first);
  void Add(ScoredToken scored) { Add(&scored.score, 1, scored.token); }

  absl::Span<const ScoredToken> held() const { return {top_.data(), held_}; }

 private:
  std::vector<ScoredToken> top_;  // `limit` of them, -inf where nothing is held
  size_t held_ = 0;
};

}  // namespace attentiond
