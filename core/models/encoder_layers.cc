// core/models/encoder_layers.cc -- attention and feed-forward, layer by layer.
#include "core/models/encoder_layers.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/status_macros.h"
#include "core/models/attention_window.h"
#include "core/models/bucket_bias.h"
#include "core/models/disentangled_scores.h"
#include "core/ops/feed_forward.h"
#include "core/ops/gate.h"
#include "core/ops/workspace.h"

namespace attentiond {
namespace {

// So many tokens at a time go through a gated feed-forward part: what is made of them is still in
// the caches when it is used. Fewer would read the weights more often.
int64_t MostRows(ExecutionContext& context) { return 1024 * context.threads().num_threads(); }

absl::StatusOr<std::unique_ptr<const PositionScores>> LoadScores(const EncoderConfig& config,
                                                                 const std::string& prefix,
                                                                 LinearTypes types,
                                                                 WeightLoader* loader) {
  switch (config.family->scores) {
    case PositionScoresKind::kNone:
      return nullptr;
    case PositionScoresKind::kBucketBias: {
      ASSIGN_OR_RETURN(const Tensor table,
                       loader->LoadTable(prefix + "encoder.relative_attention_bias",
                                         config.bias_buckets, config.num_heads));
      return std::make_unique<const BucketBias>(table.view());
    }
    case PositionScoresKind::kDisentangled:
      return DisentangledScores::Load(config, prefix, types, loader);
    case PositionScoresKind::kRotary: {
      std::vector<int64_t> windows;
      for (const RotaryLayer& layer : config.rotary->layers) windows.push_back(layer.window);
      return std::make_unique<const AttentionWindow>(std::move(windows));
    }
  }
  return nullptr;
}

}  // namespace

/// The buffers of one run, in the context's workspace, their rows RowStride() apart.
struct EncoderLayers::Activations {
  int64_t tokens = 0;               // T, less once some rows' first tokens are all that is left
  void* hidden = nullptr;           // [T, H]
  void* query_key_value = nullptr;  // [T, 3H]
  void* attended = nullptr;         // [T, H]
  void* normed = nullptr;           // [T, H]; of layers that norm before
  void* intermediate = nullptr;     // [MostRows(), I]; of layers with a gate
  void* gate = nullptr;             // the same
  void* embeddings = nullptr;       // [T, H]; when there is a convolution
};

absl::StatusOr<EncoderLayers> EncoderLayers::Load(const EncoderConfig& config,
                                                  const std::string& prefix, LinearTypes types,
                                                  WeightLoader* loader) {
  ASSIGN_OR_RETURN(auto scores, LoadScores(config, prefix, types, loader));
  EncoderLayers result(
      config, types.activations,
      EncoderAttention(config.num_heads, config.head_dim(), types.activations, std::move(scores)));
  ASSIGN_OR_RETURN(result.layers_, LoadEncoderLayers(config, prefix, types, loader));
  if (config.family->names.final_norm != nullptr) {
    ASSIGN_OR_RETURN(result.final_norm_, loader->LoadNorm(prefix + config.family->names.final_norm,
                                                          config.hidden_size, config.norm_bias));
  }
  if (config.rotary) {
    result.rotary_.emplace(*config.rotary, config.num_heads, config.head_dim(), types.activations);
  }
  if (config.disentangled && config.disentangled->conv_kernel > 0) {
    ASSIGN_OR_RETURN(result.convolution_, TokenConvolution::Load(config, prefix, types, loader));
  }
  return result;
}

void* EncoderLayers::InputFor(int64_t tokens, ExecutionContext& context) const {
  return context.workspace().Get(Workspace::Slot::kHidden,
                                 static_cast<size_t>(tokens * stride()) * ByteSize(compute_));
}

absl::StatusOr<TensorView> EncoderLayers::Run(const EncoderBatch& batch,
                                              ExecutionContext& context) const {
  Activations at = Prepare(batch, context);
  for (int64_t index = 0; index < config_.num_layers; ++index) {
    RETURN_IF_ERROR(RunLayer(index, batch, &at, context));
    if (index == 0 && convolution_) RETURN_IF_ERROR(RunConvolution(batch, at, context));
  }
  if (!LastLayerIsShort()) KeepFirstTokens(batch, &at);
  if (final_norm_) {
    RunNorm(*final_norm_, at.hidden, at.hidden, at.tokens, context);
  }
  CloseGaps(at.hidden, at.tokens, config_.hidden_size, compute_);
  return TensorView{at.hidden, compute_, Shape{at.tokens, config_.hidden_size}};
}

EncoderLayers::Activations EncoderLayers::Prepare(const EncoderBatch& batch,
                                                  ExecutionContext& context) const {
  using Slot = Workspace::Slot;
  const int64_t tokens = batch.num_tokens();
  const int64_t hidden = config_.hidden_size;
  const auto get = [&](Slot slot, int64_t rows, int64_t channels) {
    return context.workspace().Get(
        slot, static_cast<size_t>(rows * RowStride(channels, compute_)) * ByteSize(compute_));
  };
  Activations at;
  at.tokens = tokens;
  at.hidden = InputFor(tokens, context);
  at.query_key_value = get(Slot::kProjection, tokens, 3 * hidden);
  at.attended = get(Slot::kAttentionOutput, tokens, hidden);
  if (NormsBefore()) at.normed = get(Slot::kNormed, tokens, hidden);
  if (config_.family->block == EncoderBlock::kPreNormGated) {
    const int64_t rows = std::min(tokens, MostRows(context));
    at.intermediate = get(Slot::kIntermediate, rows, config_.intermediate_size);
    at.gate = get(Slot::kGate, rows, config_.intermediate_size);
  }
  if (convolution_) {
    at.embeddings = get(Slot::kEmbeddings, tokens, hidden);
    std::memcpy(at.embeddings, at.hidden,
                static_cast<size_t>(tokens * stride()) * ByteSize(compute_));
  }
  if (rotary_) rotary_->Prepare(batch.positions, context);
  return at;
}

absl::Status EncoderLayers::RunConvolution(const EncoderBatch& batch, const Activations& at,
                                           ExecutionContext& context) const {
  return convolution_->Run(
      batch, {.embeddings = at.embeddings, .neighbours = at.query_key_value, .hidden = at.hidden},
      context);
}

absl::Status EncoderLayers::RunLayer(int64_t index, const EncoderBatch& batch, Activations* at,
                                     ExecutionContext& context) const {
  const EncoderLayerWeights& layer = layers_[StoredLayer(config_, index)];
  const void* x = at->hidden;
  if (NormsBefore() && layer.attention_norm) {
    RunNorm(*layer.attention_norm, at->hidden, at->normed, at->tokens, context);
    x = at->normed;
  }
  RETURN_IF_ERROR(layer.query_key_value.Run({.x = x,
                                             .x_stride = stride(),
                                             .y = at->query_key_value,
                                             .y_stride = attention_.projection_stride(),
                                             .rows = at->tokens},
                                            context));
  if (rotary_) {
    rotary_->Apply(index, at->tokens, at->query_key_value, context);
  }
  // In the last layer the rows of which the first token is enough are one token each.
  const bool is_short = index + 1 == config_.num_layers && LastLayerIsShort();
  RETURN_IF_ERROR(attention_.Run(batch,
                                 {.layer = index,
                                  .first_token_rows = is_short ? batch.first_token_rows : 0,
                                  .query_key_value = at->query_key_value,
                                  .attended = at->attended},
                                 context));
  if (is_short) KeepFirstTokens(batch, at);
  switch (config_.family->block) {
    case EncoderBlock::kPostNorm:
    case EncoderBlock::kPreNorm:
      return RunFeedForward(layer, *at, context);
    case EncoderBlock::kPreNormGated:
      return RunGatedFeedForward(layer, *at, context);
  }
  return absl::OkStatus();
}

/// Of layers that norm after:  x = norm(hidden + output(attended)), hidden = norm(x + ff(x)).
/// Of those that norm before:  x = hidden + output(attended),       hidden = x + ff(norm(x)).
absl::Status EncoderLayers::RunFeedForward(const EncoderLayerWeights& layer, const Activations& at,
                                           ExecutionContext& context) const {
  const LayerNormArgs last_norm = NormOf(layer.output_norm),
                      norm = NormsBefore() ? last_norm : NormOf(*layer.attention_norm);
  void* const normed = NormsBefore() ? at.normed : at.hidden;
  const FeedForwardInput input = {.layer = &layer.attention_output,
                                  .x = at.attended,
                                  .x_stride = stride(),
                                  .y = at.hidden,
                                  .norm = &norm,
                                  .normed = normed};
  return FeedForward({.up = &layer.intermediate,
                      .down = &layer.output,
                      .activation = config_.activation,
                      .x = normed,
                      .x_stride = stride(),
                      .residual = at.hidden,
                      .y = at.hidden,
                      .y_stride = stride(),
                      .rows = at.tokens,
                      .norm = NormsBefore() ? nullptr : &last_norm,
                      .input = &input},
                     context);
}

/// hidden += output(attended), then
/// hidden += output(activation(intermediate(x)) * gate(x)), x = norm(hidden)
absl::Status EncoderLayers::RunGatedFeedForward(const EncoderLayerWeights& layer,
                                                const Activations& at,
                                                ExecutionContext& context) const {
  RETURN_IF_ERROR(layer.attention_output.Run({.x = at.attended,
                                              .x_stride = stride(),
                                              .y = at.hidden,
                                              .y_stride = stride(),
                                              .rows = at.tokens,
                                              .residual = at.hidden},
                                             context));
  const int64_t inner_stride = RowStride(config_.intermediate_size, compute_);
  const int64_t most = MostRows(context);
  for (int64_t row = 0; row < at.tokens; row += most) {
    const int64_t rows = std::min(most, at.tokens - row);
    void* const states =
        static_cast<char*>(at.hidden) + static_cast<size_t>(row * stride()) * ByteSize(compute_);
    RunNorm(layer.output_norm, states, at.normed, rows, context);
    Linear::Args args{.x = at.normed,
                      .x_stride = stride(),
                      .y = at.intermediate,
                      .y_stride = inner_stride,
                      .rows = rows,
                      .activation = config_.activation};
    RETURN_IF_ERROR(layer.intermediate.Run(args, context));
    args.y = at.gate;
    args.activation = Activation::kNone;
    RETURN_IF_ERROR(layer.gate->Run(args, context));
    Gate({.x = at.intermediate,
          .gate = at.gate,
          .stride = inner_stride,
          .dtype = compute_,
          .rows = rows,
          .width = config_.intermediate_size},
         context);
    RETURN_IF_ERROR(layer.output.Run({.x = at.intermediate,
                                      .x_stride = inner_stride,
                                      .y = states,
                                      .y_stride = stride(),
                                      .rows = rows,
                                      .residual = states},
                                     context));
  }
  return absl::OkStatus();
}

/// Moves together the hidden states that are still needed.
void EncoderLayers::KeepFirstTokens(const EncoderBatch& batch, Activations* at) const {
  const size_t rows = batch.first_token_rows;
  if (rows == 0) return;
  const size_t row_bytes = static_cast<size_t>(stride()) * ByteSize(compute_);
  auto* const states = static_cast<char*>(at->hidden);
  for (size_t row = 0; row < rows; ++row) {
    const auto first = static_cast<size_t>(batch.cumulative[row]);
    std::memmove(states + row * row_bytes, states + first * row_bytes, row_bytes);
  }
  const auto rest = static_cast<size_t>(batch.cumulative[rows]);
  const size_t rest_tokens = static_cast<size_t>(batch.num_tokens()) - rest;
  std::memmove(states + rows * row_bytes, states + rest * row_bytes, rest_tokens * row_bytes);
  at->tokens = static_cast<int64_t>(rows + rest_tokens);
}

LayerNormArgs EncoderLayers::NormOf(const NormWeights& weights) const {
  LayerNormArgs norm;
  norm.dtype = compute_;
  norm.width = config_.hidden_size;
  norm.stride = stride();
  norm.gamma = weights.gamma.data();
  norm.beta = weights.beta.data();
  norm.epsilon = config_.layer_norm_eps;
  return norm;
}

void EncoderLayers::RunNorm(const NormWeights& weights, const void* x, void* y, int64_t rows,
                            ExecutionContext& context) const {
  LayerNormArgs norm = NormOf(weights);
  norm.x = x;
  norm.y = y;
  norm.rows = rows;
  LayerNorm(norm, context);
}

}  // namespace attentiond
