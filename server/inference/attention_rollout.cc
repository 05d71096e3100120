// server/inference/attention_rollout.cc -- one product of two maps a layer.
#include "server/inference/attention_rollout.h"

#include <algorithm>
#include <vector>

namespace attentiond {
namespace {

class Rollout {
 public:
  Rollout(absl::Span<const float> attentions, int64_t num_heads, absl::Span<const int32_t> heads,
          int64_t tokens)
      : attentions_(attentions),
        num_heads_(static_cast<size_t>(num_heads)),
        heads_(heads),
        tokens_(static_cast<size_t>(tokens)),
        mixing_(tokens_),
        product_(tokens_ * tokens_),
        next_(tokens_ * tokens_) {}

  /// R of `layer`, once that of the layer before is there.
  void Multiply(int32_t layer) {
    for (size_t token = 0; token < tokens_; ++token) {
      SetMixing(static_cast<size_t>(layer), token);
      float* const row = &next_[token * tokens_];
      if (layer == 0) {
        std::copy(mixing_.begin(), mixing_.end(), row);
      } else {
        MultiplyRow(row);
      }
    }
    product_.swap(next_);
  }

  absl::Span<const float> product() const { return product_; }

 private:
  /// Row `token` of M.
  void SetMixing(size_t layer, size_t token) {
    std::fill(mixing_.begin(), mixing_.end(), 0.0f);
    for (const int32_t head : heads_) {
      const size_t map = layer * num_heads_ + static_cast<size_t>(head);
      const float* const row = &attentions_[(map * tokens_ + token) * tokens_];
      for (size_t i = 0; i < tokens_; ++i) mixing_[i] += row[i];
    }
    mixing_[token] += static_cast<float>(heads_.size());  // I, before the division by the heads
    float sum = 0;
    for (const float weight : mixing_) sum += weight;
    for (float& weight : mixing_) weight /= sum;
  }

  /// mixing_ times the product so far.
  void MultiplyRow(float* row) const {
    std::fill_n(row, tokens_, 0.0f);
    size_t k = 0;
    for (; k + 4 <= tokens_; k += 4) {  // four at a time: `row` is loaded and stored less often
      const float *const from0 = &product_[k * tokens_], *const from1 = from0 + tokens_,
                         *const from2 = from1 + tokens_, *const from3 = from2 + tokens_;
      const float w0 = mixing_[k], w1 = mixing_[k + 1], w2 = mixing_[k + 2], w3 = mixing_[k + 3];
      for (size_t i = 0; i < tokens_; ++i) {
        row[i] += w0 * from0[i] + w1 * from1[i] + w2 * from2[i] + w3 * from3[i];
      }
    }
    for (; k < tokens_; ++k) {
      for (size_t i = 0; i < tokens_; ++i) row[i] += mixing_[k] * product_[k * tokens_ + i];
    }
  }

  const absl::Span<const float> attentions_;
  const size_t num_heads_;
  const absl::Span<const int32_t> heads_;
  const size_t tokens_;
  std::vector<float> mixing_;          // [tokens]
  std::vector<float> product_, next_;  // [tokens, tokens]
};

}  // namespace

void WriteAttentionRollouts(const AttentionMapPlan& plan, absl::Span<const float> attentions,
                            int64_t num_heads, int64_t tokens,
                            absl::Span<const absl::Span<float>> maps) {
  if (plan.layers.empty()) return;
  const int32_t last = *std::max_element(plan.layers.begin(), plan.layers.end());
  Rollout rollout(attentions, num_heads, plan.heads, tokens);
  for (int32_t layer = 0; layer <= last; ++layer) {
    rollout.Multiply(layer);
    for (size_t i = 0; i < maps.size(); ++i) {
      if (plan.maps[i].layer != layer) continue;
      std::copy(rollout.product().begin(), rollout.product().end(), maps[i].begin());
    }
  }
}

}  // namespace attentiond
