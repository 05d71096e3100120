// server/inference/classification.cc -- score functions applied, labels ranked and named.
#include "server/inference/classification.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"

namespace attentiond {

std::vector<float> LabelScores(const ModelInfo& info, std::vector<float> logits) {
  ApplyScoreFunction(info.score_function, absl::MakeSpan(logits));
  return logits;
}

std::vector<RankedLabel> RankLabels(const ModelInfo& info, absl::Span<const float> scores,
                                    int64_t top_k) {
  // NaN compares with nothing: without a place in the order, sorting would be undefined.
  const auto rank = [scores](size_t id) {
    return std::isnan(scores[id]) ? -std::numeric_limits<float>::infinity() : scores[id];
  };
  std::vector<size_t> ids(scores.size());
  std::iota(ids.begin(), ids.end(), size_t{0});
  const size_t wanted = top_k > 0 ? std::min(ids.size(), static_cast<size_t>(top_k)) : ids.size();
  std::partial_sort(
      ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(wanted), ids.end(),
      [&rank](size_t a, size_t b) { return rank(a) != rank(b) ? rank(a) > rank(b) : a < b; });
  std::vector<RankedLabel> ranked(wanted);
  for (size_t i = 0; i < wanted; ++i) {
    const size_t id = ids[i];
    ranked[i].id = static_cast<int64_t>(id);
    ranked[i].label = id < info.labels.size() ? info.labels[id] : absl::StrCat("LABEL_", id);
    ranked[i].score = scores[id];
  }
  return ranked;
}

}  // namespace attentiond
