// core/models/rotary_embedding.cc -- frequencies, angles, and the rotation of a layer.
#include "core/models/rotary_embedding.h"

#include <algorithm>
#include <cmath>

#include "core/ops/rotary.h"
#include "core/ops/row_stride.h"
#include "core/ops/workspace.h"

namespace attentiond {
namespace {

// Tokens whose sines take about 10 us.
constexpr int64_t kGrain = 16;

}  // namespace

RotaryEmbedding::RotaryEmbedding(const RotaryConfig& config, int64_t num_heads, int64_t head_dim,
                                 DType dtype)
    : num_heads_(num_heads), head_dim_(head_dim), dtype_(dtype) {
  std::vector<double> bases;
  for (const RotaryLayer& layer : config.layers) {
    const auto found = std::find(bases.begin(), bases.end(), layer.theta);
    of_layer_.push_back(static_cast<size_t>(found - bases.begin()));
    if (found == bases.end()) bases.push_back(layer.theta);
  }
  for (const double base : bases) {
    std::vector<float>& frequencies = frequencies_.emplace_back();
    for (int64_t channel = 0; channel < head_dim; channel += 2) {
      // In f32 as transformers does: an angle is a thousand times a frequency's rounding.
      const float exponent = static_cast<float>(channel) / static_cast<float>(head_dim);
      frequencies.push_back(1.0f / std::pow(static_cast<float>(base), exponent));
    }
  }
}

void RotaryEmbedding::Prepare(absl::Span<const int32_t> positions,
                              ExecutionContext& context) const {
  const auto tokens = static_cast<int64_t>(positions.size());
  const auto bases = static_cast<int64_t>(frequencies_.size());
  auto* const rotations = static_cast<float*>(
      context.workspace().Get(Workspace::Slot::kRotations,
                              static_cast<size_t>(bases * tokens * head_dim_) * sizeof(float)));
  context.threads().ParallelFor(tokens, kGrain, [&](int64_t begin, int64_t end, int) {
    for (int64_t base = 0; base < bases; ++base) {
      const std::vector<float>& frequencies = frequencies_[static_cast<size_t>(base)];
      for (int64_t token = begin; token < end; ++token) {
        float* const cosines = rotations + (base * tokens + token) * head_dim_;
        float* const sines = cosines + head_dim_ / 2;
        const auto position = static_cast<float>(positions[static_cast<size_t>(token)]);
        for (size_t pair = 0; pair < frequencies.size(); ++pair) {
          const float angle = position * frequencies[pair];
          cosines[pair] = std::cos(angle);
          sines[pair] = std::sin(angle);
        }
      }
    }
  });
}

void RotaryEmbedding::Apply(int64_t layer, int64_t tokens, void* query_key_value,
                            ExecutionContext& context) const {
  const size_t base = of_layer_[static_cast<size_t>(layer)];
  const auto* const rotations = static_cast<const float*>(context.workspace().Get(
      Workspace::Slot::kRotations,
      frequencies_.size() * static_cast<size_t>(tokens * head_dim_) * sizeof(float)));
  Rotate({.x = query_key_value,
          .x_stride = RowStride(3 * num_heads_ * head_dim_, dtype_),
          .dtype = dtype_,
          .tokens = tokens,
          .heads = 2 * num_heads_,  // of queries, and of the keys behind them
          .head_dim = head_dim_,
          .rotations = rotations + base * static_cast<size_t>(tokens * head_dim_)},
         context);
}

}  // namespace attentiond
