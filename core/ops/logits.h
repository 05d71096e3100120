// core/ops/logits.h -- what decoding reads of a row of logits.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace attentiond {

/// log(sum of exp(x)), in f32; finite x, or -inf but for one at least. `size` >= 1.
float LogSumExp(const float* x, int64_t size);

/// A token and its score: a logit, or a log-probability.
struct ScoredToken {
  float score = 0;
  int32_t token = 0;
};

/// The top.size() largest of x (at most `size`), largest first, of equal ones the first. x is not
/// NaN. Cost: one pass over x, and about k log(size / k) insertions into a list of k.
void TopScores(const float* x, int64_t size, absl::Span<ScoredToken> top);

}  // namespace attentiond
