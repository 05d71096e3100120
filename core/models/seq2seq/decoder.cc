#include "core/models/seq2seq/decoder.h"

#include <algorithm>

#include "core/base/status_macros.h"
#include "core/ops/logits.h"
#include "core/ops/workspace.h"

namespace attentiond {

/// The buffers of one run, in the context's workspace. Symbols: R rows, E hidden_size, A
/// attention_width.
struct Decoder::Activations {
  absl::Span<const DecoderRow> rows;
  char* pages = nullptr;
  void* hidden = nullptr;           // [R, E] at the stack's stride
  void* normed = nullptr;           // the same
  void* query_key_value = nullptr;  // [R, 3A] at projection_stride
  void* attended = nullptr;         // [R, A] at attended_stride
  int64_t projection_stride = 0, attended_stride = 0;
  absl::Span<PagedToken> places;  // [R]: where its own keys and values go
  absl::Span<PagedRow> self;      // [R]: what it attends to in its sequence
  absl::Span<PagedRow> cross;     // [R]: and in its input

  int64_t count() const { return static_cast<int64_t>(rows.size()); }
};

KeyValueLayout Decoder::layout() const {
  return {.layers = config().num_layers,
          .heads = config().num_heads,
          .head_dim = config().head_dim,
          .dtype = parts_.stack.dtype()};
}

absl::Status Decoder::WriteMemory(const TensorView& states, absl::Span<const PagedToken> places,
                                  ExecutionContext& context) const {
  const DType dtype = parts_.stack.dtype();
  const int64_t width = config().attention_width(), tokens = states.shape.dim(0);
  const void* x = states.data;
  int64_t x_stride = states.shape.dim(1);
  if (parts_.memory_projection) {
    const int64_t stride = parts_.stack.stride();
    void* const projected = context.workspace().Get(
        Workspace::Slot::kNormed, static_cast<size_t>(tokens * stride) * ByteSize(dtype));
    RETURN_IF_ERROR(parts_.memory_projection->Run(
        {.x = x, .x_stride = x_stride, .y = projected, .y_stride = stride, .rows = tokens},
        context));
    x = projected;
    x_stride = stride;
  }
  const auto half = static_cast<size_t>(width) * ByteSize(dtype);
  const int64_t stride = RowStride(2 * width, dtype);
  auto* const key_value = static_cast<char*>(context.workspace().Get(
      Workspace::Slot::kProjection, static_cast<size_t>(tokens * stride) * ByteSize(dtype)));
  for (int64_t layer = 0; layer < config().num_layers; ++layer) {
    const auto& weights = parts_.stack.weights().layers[static_cast<size_t>(layer)].cross;
    RETURN_IF_ERROR(weights->key_value.Run(
        {.x = x, .x_stride = x_stride, .y = key_value, .y_stride = stride, .rows = tokens},
        context));
    WriteKeyValues({.layout = layout(),
                    .layer = layer,
                    .tokens = places,
                    .keys = key_value,
                    .values = key_value + half,
                    .stride = stride},
                   context);
  }
  return absl::OkStatus();
}

Decoder::Activations Decoder::Prepare(absl::Span<const DecoderRow> rows, char* pages,
                                      ExecutionContext& context) const {
  const size_t count = rows.size();
  const auto get = [&](Workspace::Slot slot, size_t row_bytes) {
    return context.workspace().Get(slot, count * row_bytes);
  };
  const DType dtype = parts_.stack.dtype();
  const auto channels = [&](Workspace::Slot slot, int64_t stride) {
    return get(slot, static_cast<size_t>(stride) * ByteSize(dtype));
  };
  Activations at;
  at.rows = rows;
  at.pages = pages;
  at.projection_stride = RowStride(3 * config().attention_width(), dtype);
  at.attended_stride = RowStride(config().attention_width(), dtype);
  at.hidden = channels(Workspace::Slot::kHidden, parts_.stack.stride());
  at.normed = channels(Workspace::Slot::kNormed, parts_.stack.stride());
  at.query_key_value = channels(Workspace::Slot::kProjection, at.projection_stride);
  at.attended = channels(Workspace::Slot::kAttentionOutput, at.attended_stride);
  at.places = {static_cast<PagedToken*>(get(Workspace::Slot::kPagedTokens, sizeof(PagedToken))),
               count};
  auto* const paged =
      static_cast<PagedRow*>(get(Workspace::Slot::kPagedRows, 2 * sizeof(PagedRow)));
  at.self = {paged, count};
  at.cross = {paged + count, count};
  const size_t page_bytes = layout().page_bytes();
  const RelativeBias* const bias = parts_.stack.relative_bias();
  for (size_t r = 0; r < count; ++r) {
    const DecoderRow& row = rows[r];
    const auto page = static_cast<size_t>(row.pages[row.position / KeyValueLayout::kTokens]);
    at.places[r] = {pages + page * page_bytes, row.position % KeyValueLayout::kTokens};
    at.self[r] = {.pages = row.pages, .length = row.position + 1};
    if (bias != nullptr) {
      at.self[r].bias = bias->OfQuery(row.position);
      at.self[r].bias_stride = bias->stride();
    }
    at.cross[r] = {.pages = row.memory_pages, .length = row.memory_length};
  }
  return at;
}

absl::Status Decoder::Project(const NormWeights& norm, const Linear& projection,
                              const Activations& at, ExecutionContext& context) const {
  return projection.Run({.x = parts_.stack.Before(norm, at.hidden, at.normed, at.count(), context),
                         .x_stride = parts_.stack.stride(),
                         .y = at.query_key_value,
                         .y_stride = at.projection_stride,
                         .rows = at.count()},
                        context);
}

template <typename Weights>
absl::Status Decoder::AddAttention(const Weights& weights, absl::Span<const PagedRow> rows,
                                   const Activations& at, int64_t layer,
                                   ExecutionContext& context) const {
  PagedAttention({.layout = layout(),
                  .layer = layer,
                  .pages = at.pages,
                  .rows = rows,
                  .query = at.query_key_value,
                  .query_stride = at.projection_stride,
                  .output = at.attended,
                  .output_stride = at.attended_stride,
                  .scale = config().attention_scale},
                 context);
  RETURN_IF_ERROR(weights.output.Run({.x = at.attended,
                                      .x_stride = at.attended_stride,
                                      .y = at.hidden,
                                      .y_stride = parts_.stack.stride(),
                                      .rows = at.count(),
                                      .residual = at.hidden},
                                     context));
  parts_.stack.After(weights.norm, at.hidden, at.count(), context);
  return absl::OkStatus();
}

absl::Status Decoder::SelfAttend(const StackLayerWeights::SelfAttention& weights,
                                 const Activations& at, int64_t layer,
                                 ExecutionContext& context) const {
  RETURN_IF_ERROR(Project(weights.norm, weights.query_key_value, at, context));
  const auto part =
      static_cast<size_t>(config().attention_width()) * ByteSize(parts_.stack.dtype());
  const char* const keys = static_cast<const char*>(at.query_key_value) + part;
  WriteKeyValues({.layout = layout(),
                  .layer = layer,
                  .tokens = at.places,
                  .keys = keys,
                  .values = keys + part,
                  .stride = at.projection_stride},
                 context);
  return AddAttention(weights, at.self, at, layer, context);
}

absl::Status Decoder::CrossAttend(const StackLayerWeights::CrossAttention& weights,
                                  const Activations& at, int64_t layer,
                                  ExecutionContext& context) const {
  RETURN_IF_ERROR(Project(weights.norm, weights.query, at, context));
  for (size_t r = 0; r < at.rows.size(); ++r) {
    const DecoderRow& row = at.rows[r];
    if (row.cross_weights == nullptr) continue;
    at.cross[r].weights = row.cross_weights + layer * config().num_heads * row.memory_length;
  }
  return AddAttention(weights, at.cross, at, layer, context);
}

absl::StatusOr<const char*> Decoder::TransformForHead(const Activations& at,
                                                      ExecutionContext& context) const {
  if (!parts_.transform) return static_cast<const char*>(at.hidden);
  const int64_t stride = parts_.stack.stride(), rows = at.count();
  RETURN_IF_ERROR(parts_.transform->dense.Run({.x = at.hidden,
                                               .x_stride = stride,
                                               .y = at.normed,
                                               .y_stride = stride,
                                               .rows = rows,
                                               .activation = config().activation},
                                              context));
  parts_.stack.Norm(parts_.transform->norm, at.normed, at.normed, rows, context);
  return static_cast<const char*>(at.normed);
}

absl::Status Decoder::ShowLogits(const char* x, int64_t rows, LogitsVisitor visit,
                                 ExecutionContext& context) const {
  if (rows == 0) return absl::OkStatus();
  // Every kernel's panels divide a block.
  const int64_t most = LogitsAtATime(rows);
  const int64_t logits_stride = RowStride(std::min(most, vocab_size()), DType::kF32);
  auto* const logits = static_cast<float*>(context.workspace().Get(
      Workspace::Slot::kLogits, static_cast<size_t>(rows * logits_stride) * sizeof(float)));
  for (int64_t first = 0; first < vocab_size(); first += most) {
    const int64_t tokens = std::min(most, vocab_size() - first);
    RETURN_IF_ERROR(parts_.head.linear.Run({.x = x,
                                            .x_stride = parts_.stack.stride(),
                                            .y = logits,
                                            .y_stride = logits_stride,
                                            .rows = rows,
                                            .y_in_f32 = true,
                                            .first_output = first,
                                            .num_outputs = tokens},
                                           context));
    visit({first, tokens, logits, logits_stride});
  }
  return absl::OkStatus();
}

absl::Status Decoder::Run(absl::Span<const DecoderRow> rows, char* pages,
                          absl::Span<LargestOutput> likeliest, LogitsVisitor visit,
                          ExecutionContext& context) const {
  const Activations at = Prepare(rows, pages, context);
  auto* const ids = static_cast<int32_t*>(
      context.workspace().Get(Workspace::Slot::kPositions, 2 * rows.size() * sizeof(int32_t)));
  int32_t* const positions = ids + rows.size();
  for (size_t r = 0; r < rows.size(); ++r) {
    ids[r] = rows[r].token;
    positions[r] = static_cast<int32_t>(parts_.stack.PositionOf(ids[r], rows[r].position));
  }
  parts_.stack.Embed({ids, rows.size()}, {positions, rows.size()}, at.hidden, context);
  for (int64_t index = 0; index < config().num_layers; ++index) {
    const StackLayerWeights& layer = parts_.stack.weights().layers[static_cast<size_t>(index)];
    RETURN_IF_ERROR(SelfAttend(layer.self, at, index, context));
    if (layer.cross) RETURN_IF_ERROR(CrossAttend(*layer.cross, at, index, context));
    RETURN_IF_ERROR(parts_.stack.FeedForward(layer, at.hidden, at.normed, at.count(), context));
  }
  parts_.stack.Finish(at.hidden, at.count(), context);
  ASSIGN_OR_RETURN(const char* const x, TransformForHead(at, context));
  const auto found = static_cast<int64_t>(likeliest.size());
  const int64_t stride = parts_.stack.stride();
  if (found > 0) parts_.head.search->Run(parts_.head.linear, x, stride, likeliest, context);
  return ShowLogits(x + found * stride * static_cast<int64_t>(ByteSize(parts_.stack.dtype())),
                    at.count() - found, visit, context);
}

}  // namespace attentiond
