// core/models/seq2seq/stack.h -- a stack of transformer layers: what encoder and decoder share.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/models/seq2seq/relative_bias.h"
#include "core/models/seq2seq/stack_config.h"
#include "core/models/seq2seq/stack_weights.h"
#include "core/models/weight_loader.h"
#include "core/ops/execution_context.h"
#include "core/ops/row_stride.h"

namespace attentiond {

/// Symbols: E hidden_size, A attention_width, T tokens, one after the other whatever sequence they
/// are of. Activations are rows of dtype(), those of E channels at stride(). Immutable; may be
/// shared by contexts.
class Stack {
 public:
  /// `embeddings` [vocab_size, E]; the rest as LoadStackWeights() says.
  static absl::StatusOr<Stack> Load(const StackConfig& config, const StackNames& names,
                                    std::shared_ptr<const Tensor> embeddings, int64_t memory_width,
                                    int64_t padding_id, LinearTypes types, WeightLoader* loader);

  const StackConfig& config() const { return config_; }
  const StackWeights& weights() const { return weights_; }
  DType dtype() const { return dtype_; }
  /// Elements from a row of hidden states to the next.
  int64_t stride() const { return RowStride(config_.hidden_size, dtype_); }
  /// nullptr without one.
  const RelativeBias* relative_bias() const { return relative_bias_ ? &*relative_bias_ : nullptr; }

  /// The row of the table that `token` takes in place `place` of its sequence.
  int64_t PositionOf(int32_t token, int64_t place) const {
    const bool is_padding =
        config_.positions == PositionTable::kSinusoidsWithPadding && token == padding_id_;
    return is_padding ? padding_id_ : place + config_.first_position;
  }
  /// hidden [T, E] of `ids` [T] at rows `positions` [T] of the table (empty without a table).
  void Embed(absl::Span<const int32_t> ids, absl::Span<const int32_t> positions, void* hidden,
             ExecutionContext& context) const;

  /// y = norm(x); y may be x.
  void Norm(const NormWeights& norm, const void* x, void* y, int64_t tokens,
            ExecutionContext& context) const;
  /// What a part of a layer reads: norm(hidden), which is written to `normed`, or hidden itself.
  const void* Before(const NormWeights& norm, const void* hidden, void* normed, int64_t tokens,
                     ExecutionContext& context) const;
  /// What a part of a layer leaves: norm(hidden) in place, or hidden as it is.
  void After(const NormWeights& norm, void* hidden, int64_t tokens,
             ExecutionContext& context) const;
  /// The feed-forward part with its norm, in place; `normed` [T, E] is scratch memory.
  absl::Status FeedForward(const StackLayerWeights& layer, void* hidden, void* normed,
                           int64_t tokens, ExecutionContext& context) const;
  /// The norm after the last layer, in place, if there is one.
  void Finish(void* hidden, int64_t tokens, ExecutionContext& context) const;

 private:
  Stack(StackConfig config, int64_t padding_id, DType dtype, StackWeights weights);
  absl::Status GatedFeedForward(const StackLayerWeights& layer, const void* x, void* hidden,
                                int64_t tokens, ExecutionContext& context) const;

  StackConfig config_;
  int64_t padding_id_;
  DType dtype_;
  StackWeights weights_;
  std::optional<RelativeBias> relative_bias_;
};

}  // namespace attentiond
