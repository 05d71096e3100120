#include "core/models/seq2seq/relative_bias.h"

#include "core/models/float_conversion.h"
#include "core/models/position_scores.h"

namespace attentiond {

RelativeBias::RelativeBias(const RelativeBuckets& buckets, const TensorView& table,
                           int64_t max_tokens)
    : max_tokens_(max_tokens), distances_(2 * max_tokens - 1) {
  const int64_t heads = table.shape.dim(1);
  std::vector<float> by_bucket(static_cast<size_t>(buckets.count * heads));
  ToFloats(table, 0, absl::MakeSpan(by_bucket));
  values_.resize(static_cast<size_t>(heads * distances_));
  for (int64_t at = 0; at < distances_; ++at) {
    const float* const row =
        &by_bucket[static_cast<size_t>(buckets.Of(at - max_tokens + 1) * heads)];
    for (int64_t head = 0; head < heads; ++head) {
      values_[static_cast<size_t>(head * distances_ + at)] = row[head];
    }
  }
}

AttentionBroadcast<float> RelativeBias::OfRows() const {
  return BiasByDistance(values_.data(), max_tokens_ - 1, distances_, /*by_head=*/true);
}

}  // namespace attentiond
