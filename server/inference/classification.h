// server/inference/classification.h -- from a classifier's logits to labels with scores.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "core/engine/model.h"

namespace attentiond {

struct RankedLabel {
  int64_t id = 0;     ///< class, index into the logits
  std::string label;  ///< ModelInfo::labels' name for it, or "LABEL_<id>"
  float score = 0;
};

/// The scores of one row's `logits` [labels], as the model's score function makes them: softmax
/// probabilities, independent (sigmoid) probabilities, or the logits of a regression.
std::vector<float> LabelScores(const ModelInfo& info, std::vector<float> logits);

/// Labels by score, best first, equal scores by id, NaN last. `top_k` of them; 0, or more than
/// there are: all.
std::vector<RankedLabel> RankLabels(const ModelInfo& info, absl::Span<const float> scores,
                                    int64_t top_k);

}  // namespace attentiond
