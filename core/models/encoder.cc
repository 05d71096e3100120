// core/models/encoder.cc -- embeddings, then layers of attention and feed-forward.
#include "core/models/encoder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "core/base/status_macros.h"
#include "core/models/attention_window.h"
#include "core/models/bucket_bias.h"
#include "core/models/disentangled_scores.h"
#include "core/ops/embedding.h"
#include "core/ops/feed_forward.h"
#include "core/ops/gate.h"
#include "core/ops/layer_norm.h"
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

/// The buffers of one run, in the context's workspace. Rows are contiguous but for a cache line
/// between those of the widest: powers of two apart they would compete for few places in the cache.
struct Encoder::Activations {
  int64_t tokens = 0;               // T, less once some rows' first tokens are all that is left
  void* hidden = nullptr;           // [T, H]
  void* query_key_value = nullptr;  // [T, 3H]
  void* attended = nullptr;         // [T, H]; before the layers [T, embedding_size]
  void* normed = nullptr;           // [T, H]; of layers that norm before
  void* intermediate = nullptr;     // [MostRows(), I] at gated_stride; of layers with a gate
  void* gate = nullptr;             // the same
  int64_t gated_stride = 0;
  void* embeddings = nullptr;  // [T, H]; when there is a convolution
};

Encoder::Encoder(EncoderConfig config, DType compute, EncoderWeights weights, Positions positions)
    : config_(std::move(config)),
      compute_(compute),
      weights_(std::move(weights)),
      positions_(std::move(positions)) {}

absl::StatusOr<Encoder> Encoder::Load(const EncoderConfig& config, LinearTypes types,
                                      WeightLoader* loader) {
  ASSIGN_OR_RETURN(EncoderWeights weights, LoadEncoderWeights(config, types, loader));
  ASSIGN_OR_RETURN(Positions positions, LoadPositions(config, types, loader));
  return Encoder(config, types.activations, std::move(weights), std::move(positions));
}

absl::StatusOr<Encoder::Positions> Encoder::LoadPositions(const EncoderConfig& config,
                                                          LinearTypes types, WeightLoader* loader) {
  const std::string prefix = EncoderPrefix(*config.family, loader->checkpoint());
  const DType compute = types.activations;
  ASSIGN_OR_RETURN(auto scores, LoadScores(config, prefix, types, loader));
  Positions positions{
      EncoderAttention(config.num_heads, config.head_dim(), compute, std::move(scores)),
      std::nullopt, std::nullopt};
  if (config.rotary) {
    positions.rotary.emplace(*config.rotary, config.num_heads, config.head_dim(), compute);
  }
  if (config.disentangled && config.disentangled->conv_kernel > 0) {
    ASSIGN_OR_RETURN(positions.convolution, TokenConvolution::Load(config, prefix, types, loader));
  }
  return positions;
}

absl::StatusOr<TensorView> Encoder::Run(const EncoderBatch& batch,
                                        ExecutionContext& context) const {
  Activations at = Prepare(batch, context);
  RETURN_IF_ERROR(RunEmbeddings(batch, at, context));
  for (int64_t index = 0; index < config_.num_layers; ++index) {
    RETURN_IF_ERROR(RunLayer(index, batch, &at, context));
    if (index == 0 && positions_.convolution) RETURN_IF_ERROR(RunConvolution(batch, at, context));
  }
  if (!LastLayerIsShort()) KeepFirstTokens(batch, &at);
  if (weights_.final_norm) {
    RunNorm(*weights_.final_norm, at.hidden, at.hidden, at.tokens, context);
  }
  return TensorView{at.hidden, compute_, Shape{at.tokens, config_.hidden_size}};
}

Encoder::Activations Encoder::Prepare(const EncoderBatch& batch, ExecutionContext& context) const {
  using Slot = Workspace::Slot;
  const auto tokens = static_cast<int64_t>(batch.ids.size());
  const int64_t hidden = config_.hidden_size;
  const auto get = [&](Slot slot, int64_t rows, int64_t channels) {
    return context.workspace().Get(slot, static_cast<size_t>(rows * channels) * ByteSize(compute_));
  };
  Activations at;
  at.tokens = tokens;
  at.hidden = get(Slot::kHidden, tokens, hidden);
  at.query_key_value = get(Slot::kProjection, tokens, 3 * hidden);
  at.attended = get(Slot::kAttentionOutput, tokens, std::max(hidden, config_.embedding_size));
  if (config_.family->block == EncoderBlock::kPreNormGated) {
    const int64_t rows = std::min(tokens, MostRows(context));
    at.gated_stride = config_.intermediate_size + 64 / static_cast<int64_t>(ByteSize(compute_));
    at.normed = get(Slot::kNormed, tokens, hidden);
    at.intermediate = get(Slot::kIntermediate, rows, at.gated_stride);
    at.gate = get(Slot::kGate, rows, at.gated_stride);
  }
  if (positions_.convolution) at.embeddings = get(Slot::kEmbeddings, tokens, hidden);
  if (positions_.rotary) positions_.rotary->Prepare(batch.positions, context);
  return at;
}

absl::Status Encoder::RunEmbeddings(const EncoderBatch& batch, const Activations& at,
                                    ExecutionContext& context) const {
  absl::InlinedVector<EmbeddingLookup, 3> lookups = {{weights_.word_embeddings.view(), batch.ids}};
  if (config_.has_position_table) {
    lookups.push_back({weights_.position_embeddings.view(), batch.positions});
  }
  if (config_.type_vocab_size > 0) {
    lookups.push_back({weights_.type_embeddings.view(), batch.type_ids});
  }
  const int64_t hidden = config_.hidden_size, width = config_.embedding_size;
  const bool projects = weights_.embedding_projection.has_value();
  const bool norms_first = config_.family->projection != EmbeddingProjection::kBeforeNorm;
  void* const embedded = projects ? at.attended : at.hidden;
  Embed(lookups, compute_, embedded, context);
  const auto norm = [&](void* states, int64_t states_width) {
    LayerNorm({.x = states,
               .y = states,
               .dtype = compute_,
               .rows = at.tokens,
               .width = states_width,
               .gamma = weights_.embeddings_norm.gamma.data(),
               .beta = weights_.embeddings_norm.beta.data(),
               .epsilon = config_.layer_norm_eps},
              context);
  };
  if (norms_first) norm(embedded, width);
  if (projects) {
    RETURN_IF_ERROR(weights_.embedding_projection->Run(
        {.x = embedded, .x_stride = width, .y = at.hidden, .y_stride = hidden, .rows = at.tokens},
        context));
  }
  if (!norms_first) norm(at.hidden, hidden);
  if (at.embeddings != nullptr) {
    std::memcpy(at.embeddings, at.hidden,
                static_cast<size_t>(at.tokens * hidden) * ByteSize(compute_));
  }
  return absl::OkStatus();
}

absl::Status Encoder::RunConvolution(const EncoderBatch& batch, const Activations& at,
                                     ExecutionContext& context) const {
  return positions_.convolution->Run(
      batch, {.embeddings = at.embeddings, .neighbours = at.query_key_value, .hidden = at.hidden},
      context);
}

absl::Status Encoder::RunLayer(int64_t index, const EncoderBatch& batch, Activations* at,
                               ExecutionContext& context) const {
  const EncoderLayerWeights& layer = weights_.layers[StoredLayer(config_, index)];
  const int64_t hidden = config_.hidden_size;
  const void* x = at->hidden;
  if (config_.family->block == EncoderBlock::kPreNormGated && layer.attention_norm) {
    RunNorm(*layer.attention_norm, at->hidden, at->normed, at->tokens, context);
    x = at->normed;
  }
  RETURN_IF_ERROR(layer.query_key_value.Run({.x = x,
                                             .x_stride = hidden,
                                             .y = at->query_key_value,
                                             .y_stride = 3 * hidden,
                                             .rows = at->tokens},
                                            context));
  if (positions_.rotary) {
    positions_.rotary->Apply(index, at->tokens, at->query_key_value, context);
  }
  // In the last layer the rows of which the first token is enough are one token each.
  const bool is_short = index + 1 == config_.num_layers && LastLayerIsShort();
  RETURN_IF_ERROR(
      positions_.attention.Run(batch,
                               {.layer = index,
                                .first_token_rows = is_short ? batch.first_token_rows : 0,
                                .query_key_value = at->query_key_value,
                                .attended = at->attended},
                               context));
  if (is_short) KeepFirstTokens(batch, at);
  RETURN_IF_ERROR(layer.attention_output.Run({.x = at->attended,
                                              .x_stride = hidden,
                                              .y = at->hidden,
                                              .y_stride = hidden,
                                              .rows = at->tokens,
                                              .residual = at->hidden},
                                             context));
  if (config_.family->block == EncoderBlock::kPreNormGated) {
    return RunGatedFeedForward(layer, *at, context);
  }
  return RunFeedForward(layer, *at, context);
}

/// hidden = norm(x + feed-forward(x)), x = norm(hidden)
absl::Status Encoder::RunFeedForward(const EncoderLayerWeights& layer, const Activations& at,
                                     ExecutionContext& context) const {
  RunNorm(*layer.attention_norm, at.hidden, at.hidden, at.tokens, context);
  LayerNormArgs norm;
  norm.gamma = layer.output_norm.gamma.data();
  norm.beta = layer.output_norm.beta.data();
  norm.epsilon = config_.layer_norm_eps;
  return FeedForward({.up = &layer.intermediate,
                      .down = &layer.output,
                      .activation = config_.activation,
                      .x = at.hidden,
                      .residual = at.hidden,
                      .y = at.hidden,
                      .rows = at.tokens,
                      .norm = &norm},
                     context);
}

/// hidden += output(activation(intermediate(x)) * gate(x)), x = norm(hidden)
absl::Status Encoder::RunGatedFeedForward(const EncoderLayerWeights& layer, const Activations& at,
                                          ExecutionContext& context) const {
  const int64_t hidden = config_.hidden_size, stride = at.gated_stride;
  const int64_t most = MostRows(context);
  for (int64_t row = 0; row < at.tokens; row += most) {
    const int64_t rows = std::min(most, at.tokens - row);
    void* const states =
        static_cast<char*>(at.hidden) + static_cast<size_t>(row * hidden) * ByteSize(compute_);
    RunNorm(layer.output_norm, states, at.normed, rows, context);
    Linear::Args args{.x = at.normed,
                      .x_stride = hidden,
                      .y = at.intermediate,
                      .y_stride = stride,
                      .rows = rows,
                      .activation = config_.activation};
    RETURN_IF_ERROR(layer.intermediate.Run(args, context));
    args.y = at.gate;
    args.activation = Activation::kNone;
    RETURN_IF_ERROR(layer.gate->Run(args, context));
    Gate({.x = at.intermediate,
          .gate = at.gate,
          .stride = stride,
          .dtype = compute_,
          .rows = rows,
          .width = config_.intermediate_size},
         context);
    RETURN_IF_ERROR(layer.output.Run({.x = at.intermediate,
                                      .x_stride = stride,
                                      .y = states,
                                      .y_stride = hidden,
                                      .rows = rows,
                                      .residual = states},
                                     context));
  }
  return absl::OkStatus();
}

/// Closes the gaps between the hidden states that are still needed.
void Encoder::KeepFirstTokens(const EncoderBatch& batch, Activations* at) const {
  const size_t rows = batch.first_token_rows;
  if (rows == 0) return;
  const size_t row_bytes = static_cast<size_t>(config_.hidden_size) * ByteSize(compute_);
  auto* const states = static_cast<char*>(at->hidden);
  for (size_t row = 0; row < rows; ++row) {
    const auto first = static_cast<size_t>(batch.cumulative[row]);
    std::memmove(states + row * row_bytes, states + first * row_bytes, row_bytes);
  }
  const auto rest = static_cast<size_t>(batch.cumulative[rows]);
  const size_t rest_tokens = batch.ids.size() - rest;
  std::memmove(states + rows * row_bytes, states + rest * row_bytes, rest_tokens * row_bytes);
  at->tokens = static_cast<int64_t>(rows + rest_tokens);
}

void Encoder::RunNorm(const NormWeights& norm, const void* x, void* y, int64_t rows,
                      ExecutionContext& context) const {
  LayerNorm({.x = x,
             .y = y,
             .dtype = compute_,
             .rows = rows,
             .width = config_.hidden_size,
             .gamma = norm.gamma.data(),
             .beta = norm.beta.data(),
             .epsilon = config_.layer_norm_eps},
            context);
}

}  // namespace attentiond
