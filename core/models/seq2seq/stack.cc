#include "core/models/seq2seq/stack.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "core/base/status_macros.h"
#include "core/ops/embedding.h"
#include "core/ops/feed_forward.h"
#include "core/ops/gate.h"
#include "core/ops/layer_norm.h"
#include "core/ops/workspace.h"

namespace attentiond {
namespace {

// So many tokens at a time go through a gated feed-forward part: what is made of them is still in
// the caches when it is used.
constexpr int64_t kGatedTokens = 1024;

}  // namespace

Stack::Stack(StackConfig config, int64_t padding_id, DType dtype, StackWeights weights)
    : config_(std::move(config)),
      padding_id_(padding_id),
      dtype_(dtype),
      weights_(std::move(weights)) {
  if (config_.relative) {
    relative_bias_.emplace(*config_.relative, weights_.relative_bias.view(), config_.max_tokens);
  }
}

absl::StatusOr<Stack> Stack::Load(const StackConfig& config, const StackNames& names,
                                  std::shared_ptr<const Tensor> embeddings, int64_t memory_width,
                                  int64_t padding_id, LinearTypes types, WeightLoader* loader) {
  ASSIGN_OR_RETURN(StackWeights weights,
                   LoadStackWeights(config, names, memory_width, padding_id, types, loader));
  weights.embeddings = std::move(embeddings);
  return Stack(config, padding_id, types.activations, std::move(weights));
}

void Stack::Embed(absl::Span<const int32_t> ids, absl::Span<const int32_t> positions, void* hidden,
                  ExecutionContext& context) const {
  absl::InlinedVector<EmbeddingLookup, 2> lookups = {
      {weights_.embeddings->view(), ids, config_.embedding_scale}};
  if (config_.positions != PositionTable::kNone) {
    lookups.push_back({weights_.positions.view(), positions});
  }
  attentiond::Embed(lookups, dtype_, hidden, stride(), context);
  if (weights_.embeddings_norm) {
    Norm(*weights_.embeddings_norm, hidden, hidden, static_cast<int64_t>(ids.size()), context);
  }
}

const void* Stack::Before(const NormWeights& norm, const void* hidden, void* normed, int64_t tokens,
                          ExecutionContext& context) const {
  if (!config_.norm_first) return hidden;
  Norm(norm, hidden, normed, tokens, context);
  return normed;
}

void Stack::After(const NormWeights& norm, void* hidden, int64_t tokens,
                  ExecutionContext& context) const {
  if (!config_.norm_first) Norm(norm, hidden, hidden, tokens, context);
}

absl::Status Stack::FeedForward(const StackLayerWeights& layer, void* hidden, void* normed,
                                int64_t tokens, ExecutionContext& context) const {
  const void* const x = Before(layer.norm, hidden, normed, tokens, context);
  if (layer.gate) {
    RETURN_IF_ERROR(GatedFeedForward(layer, x, hidden, tokens, context));
    After(layer.norm, hidden, tokens, context);
    return absl::OkStatus();
  }
  LayerNormArgs norm;
  norm.gamma = layer.norm.gamma.data();
  norm.beta = layer.norm.beta.data();
  norm.epsilon = config_.norm_epsilon;
  norm.subtract_mean = config_.subtract_mean;
  return attentiond::FeedForward({.up = &layer.up,
                                  .down = &layer.down,
                                  .activation = config_.activation,
                                  .x = x,
                                  .x_stride = stride(),
                                  .residual = hidden,
                                  .y = hidden,
                                  .y_stride = stride(),
                                  .rows = tokens,
                                  .norm = config_.norm_first ? nullptr : &norm},
                                 context);
}

/// hidden += down(activation(up(x)) * gate(x))
absl::Status Stack::GatedFeedForward(const StackLayerWeights& layer, const void* x, void* hidden,
                                     int64_t tokens, ExecutionContext& context) const {
  const auto element = static_cast<int64_t>(ByteSize(dtype_));
  const int64_t most = std::min(tokens, kGatedTokens * context.threads().num_threads());
  const int64_t inner_stride = RowStride(config_.intermediate_size, dtype_);
  const auto get = [&](Workspace::Slot slot) {
    return context.workspace().Get(slot, static_cast<size_t>(most * inner_stride * element));
  };
  void* const inner = get(Workspace::Slot::kIntermediate);
  void* const gate = get(Workspace::Slot::kGate);
  for (int64_t token = 0; token < tokens; token += most) {
    const int64_t rows = std::min(most, tokens - token);
    const int64_t at = token * stride() * element;
    Linear::Args args{.x = static_cast<const char*>(x) + at,
                      .x_stride = stride(),
                      .y = inner,
                      .y_stride = inner_stride,
                      .rows = rows,
                      .activation = config_.activation};
    RETURN_IF_ERROR(layer.up.Run(args, context));
    args.y = gate;
    args.activation = Activation::kNone;
    RETURN_IF_ERROR(layer.gate->Run(args, context));
    Gate({.x = inner,
          .gate = gate,
          .stride = inner_stride,
          .dtype = dtype_,
          .rows = rows,
          .width = config_.intermediate_size},
         context);
    void* const states = static_cast<char*>(hidden) + at;
    RETURN_IF_ERROR(layer.down.Run({.x = inner,
                                    .x_stride = inner_stride,
                                    .y = states,
                                    .y_stride = stride(),
                                    .rows = rows,
                                    .residual = states},
                                   context));
  }
  return absl::OkStatus();
}

void Stack::Finish(void* hidden, int64_t tokens, ExecutionContext& context) const {
  if (weights_.final_norm) Norm(*weights_.final_norm, hidden, hidden, tokens, context);
}

void Stack::Norm(const NormWeights& norm, const void* x, void* y, int64_t tokens,
                 ExecutionContext& context) const {
  LayerNorm({.x = x,
             .y = y,
             .dtype = dtype_,
             .rows = tokens,
             .width = config_.hidden_size,
             .stride = stride(),
             .gamma = norm.gamma.data(),
             .beta = norm.beta.data(),
             .epsilon = config_.norm_epsilon,
             .subtract_mean = config_.subtract_mean},
            context);
}

}  // namespace attentiond
