// core/models/score_function.h -- from a classifier's logits to the scores of its labels.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace attentiond {

/// How a classifier's logits become the scores of its labels, as transformers' pipelines do it.
enum class ScoreFunction : uint8_t {
  kSoftmax,   ///< one label of several
  kSigmoid,   ///< each label on its own: multi-label models, and re-rankers with one label
  kIdentity,  ///< regression: the logits themselves
};

/// Turns the logits of one row into scores, in place.
void ApplyScoreFunction(ScoreFunction function, absl::Span<float> logits);

}  // namespace attentiond
