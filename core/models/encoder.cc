// core/models/encoder.cc -- embeddings, then layers of attention and feed-forward.
#include "core/models/encoder.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "absl/container/inlined_vector.h"
#include "core/base/status_macros.h"
#include "core/ops/embedding.h"
#include "core/ops/feed_forward.h"
#include "core/ops/layer_norm.h"
#include "core/ops/workspace.h"

namespace attentiond {
/// The buffers of one run, in the context's workspace.
struct Encoder::Activations {
  int64_t tokens = 0;               // T, less once some rows' first tokens are all that is left
  void* hidden = nullptr;           // [T, H]
  void* query_key_value = nullptr;  // [T, 3H]
  void* attended = nullptr;         // [T, H]
};

namespace {

absl::Span<int64_t> RowStarts(size_t count, ExecutionContext& context) {
  void* const starts =
      context.workspace().Get(Workspace::Slot::kRowStarts, count * sizeof(int64_t));
  return absl::MakeSpan(static_cast<int64_t*>(starts), count);
}

}  // namespace

Encoder::Encoder(EncoderConfig config, DType compute, EncoderWeights weights)
    : config_(std::move(config)), compute_(compute), weights_(std::move(weights)) {}

absl::StatusOr<Encoder> Encoder::Load(const EncoderConfig& config, LinearTypes types,
                                      WeightLoader* loader) {
  ASSIGN_OR_RETURN(EncoderWeights weights, LoadEncoderWeights(config, types, loader));
  return Encoder(config, types.activations, std::move(weights));
}

absl::StatusOr<TensorView> Encoder::Run(const EncoderBatch& batch,
                                        ExecutionContext& context) const {
  Activations at = Prepare(batch, context);
  RunEmbeddings(batch, at, context);
  for (size_t index = 0; index < weights_.layers.size(); ++index) {
    RETURN_IF_ERROR(RunLayer(index, batch, &at, context));
  }
  return TensorView{at.hidden, compute_, Shape{at.tokens, config_.hidden_size}};
}

Encoder::Activations Encoder::Prepare(const EncoderBatch& batch, ExecutionContext& context) const {
  Workspace& workspace = context.workspace();
  using Slot = Workspace::Slot;
  const auto tokens = static_cast<int64_t>(batch.ids.size());
  const auto bytes = [&](int64_t rows, int64_t channels) {
    return static_cast<size_t>(rows * channels) * ByteSize(compute_);
  };
  return {
      .tokens = tokens,
      .hidden = workspace.Get(Slot::kHidden, bytes(tokens, config_.hidden_size)),
      .query_key_value = workspace.Get(Slot::kProjection, bytes(tokens, 3 * config_.hidden_size)),
      .attended = workspace.Get(Slot::kAttentionOutput, bytes(tokens, config_.hidden_size))};
}

void Encoder::RunEmbeddings(const EncoderBatch& batch, const Activations& at,
                            ExecutionContext& context) const {
  absl::InlinedVector<EmbeddingLookup, 3> lookups = {
      {weights_.word_embeddings.view(), batch.ids},
      {weights_.position_embeddings.view(), batch.positions}};
  if (config_.type_vocab_size > 0) {
    lookups.push_back({weights_.type_embeddings.view(), batch.type_ids});
  }
  Embed(lookups, compute_, at.hidden, context);
  RunNorm(weights_.embeddings_norm, at.hidden, at.tokens, context);
}

absl::Status Encoder::RunLayer(size_t index, const EncoderBatch& batch, Activations* at,
                               ExecutionContext& context) const {
  const EncoderLayerWeights& layer = weights_.layers[index];
  const int64_t hidden = config_.hidden_size;
  RETURN_IF_ERROR(layer.query_key_value.Run({.x = at->hidden,
                                             .x_stride = hidden,
                                             .y = at->query_key_value,
                                             .y_stride = 3 * hidden,
                                             .rows = at->tokens},
                                            context));
  RETURN_IF_ERROR(RunAttention(index, batch, *at, context));
  if (index + 1 == weights_.layers.size()) KeepFirstTokens(batch, at);
  RETURN_IF_ERROR(layer.attention_output.Run({.x = at->attended,
                                              .x_stride = hidden,
                                              .y = at->hidden,
                                              .y_stride = hidden,
                                              .rows = at->tokens,
                                              .residual = at->hidden},
                                             context));
  RunNorm(layer.attention_norm, at->hidden, at->tokens, context);
  LayerNormArgs norm;
  norm.gamma = layer.output_norm.gamma.data();
  norm.beta = layer.output_norm.beta.data();
  norm.epsilon = config_.layer_norm_eps;
  return FeedForward({.up = &layer.intermediate,
                      .down = &layer.output,
                      .activation = config_.activation,
                      .x = at->hidden,
                      .residual = at->hidden,
                      .y = at->hidden,
                      .rows = at->tokens,
                      .norm = &norm},
                     context);
}

/// The arguments that all calls share, for rows that begin at `first_token`.
AttentionArgs Encoder::ArgsFor(const Activations& at, int64_t first_token) const {
  const int64_t hidden = config_.hidden_size;
  const auto column = [&](int64_t channel) {
    const auto element = static_cast<size_t>(first_token * 3 * hidden + channel);
    return AttentionOperand{
        static_cast<const char*>(at.query_key_value) + element * ByteSize(compute_), 0,
        config_.head_dim(), 3 * hidden};
  };
  AttentionArgs args;
  args.num_heads = args.num_kv_heads = config_.num_heads;
  args.head_dim = args.value_dim = config_.head_dim();
  args.dtype = compute_;
  args.query = column(0);
  args.key = column(hidden);
  args.value = column(2 * hidden);
  return args;
}

absl::Status Encoder::RunAttention(size_t index, const EncoderBatch& batch, const Activations& at,
                                   ExecutionContext& context) const {
  const int64_t hidden = config_.hidden_size;
  const size_t rows = batch.cumulative.size() - 1;
  // In the last layer the rows of which the first token is enough are one token each.
  const size_t short_rows = index + 1 == weights_.layers.size() ? batch.first_token_rows : 0;
  if (short_rows > 0) RETURN_IF_ERROR(RunFirstTokensAttention(batch, at, context));
  const int64_t left_out = batch.cumulative[short_rows] - static_cast<int64_t>(short_rows);
  const auto attend = [&](int64_t row_count, const SequenceLengths& lengths, int64_t first_token,
                          AttentionOutputs outputs) {
    AttentionArgs args = ArgsFor(at, first_token);
    args.batch = row_count;
    args.query_lengths = args.kv_lengths = lengths;
    outputs.output = {
        static_cast<char*>(at.attended) +
            static_cast<size_t>((first_token - left_out) * hidden) * ByteSize(compute_),
        0, config_.head_dim(), hidden};
    return Attention(args, outputs, context);
  };

  // The rows that want no probabilities go together, the others one by one into their own result.
  const size_t together = rows - batch.attentions.size();
  if (together > short_rows) {
    const size_t count = together - short_rows;
    const absl::Span<int64_t> starts = RowStarts(count + 1, context);
    for (size_t row = 0; row <= count; ++row) {
      starts[row] = batch.cumulative[short_rows + row] - batch.cumulative[short_rows];
    }
    RETURN_IF_ERROR(attend(static_cast<int64_t>(count), {.cumulative = starts},
                           batch.cumulative[short_rows], {}));
  }
  for (size_t row = together; row < rows; ++row) {
    const int64_t start = batch.cumulative[row];
    const int64_t length = batch.cumulative[row + 1] - start;
    AttentionOutputs outputs;
    outputs.weights = batch.attentions[row - together] +
                      static_cast<int64_t>(index) * config_.num_heads * length * length;
    outputs.weights_head_stride = length * length;
    outputs.weights_query_stride = length;
    RETURN_IF_ERROR(attend(1, {.dense_length = length, .cumulative = {}}, start, outputs));
  }
  return absl::OkStatus();
}

/// The first token of each of the first rows attends to its whole row; outputs go one after the
/// other.
absl::Status Encoder::RunFirstTokensAttention(const EncoderBatch& batch, const Activations& at,
                                              ExecutionContext& context) const {
  const int64_t hidden = config_.hidden_size;
  const size_t rows = batch.first_token_rows;
  const size_t row_bytes = static_cast<size_t>(hidden) * ByteSize(compute_);
  auto* const queries =
      static_cast<char*>(context.workspace().Get(Workspace::Slot::kNormed, rows * row_bytes));
  const auto* const projected = static_cast<const char*>(at.query_key_value);
  for (size_t row = 0; row < rows; ++row) {
    const auto first = static_cast<size_t>(batch.cumulative[row]);
    std::memcpy(queries + row * row_bytes, projected + first * 3 * row_bytes, row_bytes);
  }
  const absl::Span<int64_t> one_each = RowStarts(rows + 1, context);
  std::iota(one_each.begin(), one_each.end(), 0);

  AttentionArgs args = ArgsFor(at, 0);
  args.batch = static_cast<int64_t>(rows);
  args.query = {queries, 0, config_.head_dim(), hidden};
  args.query_lengths.cumulative = one_each;
  args.kv_lengths.cumulative = batch.cumulative.first(rows + 1);
  AttentionOutputs outputs;
  outputs.output = {at.attended, 0, config_.head_dim(), hidden};
  return Attention(args, outputs, context);
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

void Encoder::RunNorm(const NormWeights& norm, void* states, int64_t rows,
                      ExecutionContext& context) const {
  LayerNorm({.x = states,
             .y = states,
             .dtype = compute_,
             .rows = rows,
             .width = config_.hidden_size,
             .gamma = norm.gamma.data(),
             .beta = norm.beta.data(),
             .epsilon = config_.layer_norm_eps},
            context);
}

}  // namespace attentiond
