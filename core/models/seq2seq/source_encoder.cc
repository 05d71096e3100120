#include "core/models/seq2seq/source_encoder.h"

#include "core/base/status_macros.h"
#include "core/ops/attention.h"
#include "core/ops/workspace.h"

namespace attentiond {

absl::Span<const int32_t> SourceEncoder::Positions(absl::Span<const int32_t> ids,
                                                   absl::Span<const int64_t> cumulative,
                                                   ExecutionContext& context) const {
  if (config().positions == PositionTable::kNone) return {};
  auto* const positions = static_cast<int32_t*>(
      context.workspace().Get(Workspace::Slot::kPositions, ids.size() * sizeof(int32_t)));
  for (size_t text = 0; text + 1 < cumulative.size(); ++text) {
    // A padding token, which a text may spell, has no place.
    int64_t place = 0;
    for (auto t = static_cast<size_t>(cumulative[text]);
         t < static_cast<size_t>(cumulative[text + 1]); ++t) {
      positions[t] = static_cast<int32_t>(stack_.PositionOf(ids[t], place));
      if (positions[t] == place + config().first_position) ++place;
    }
  }
  return {positions, ids.size()};
}

struct SourceEncoder::Activations {
  void* query_key_value = nullptr;  // [T, 3A] at projection_stride
  void* attended = nullptr;         // [T, A] at attended_stride
  int64_t projection_stride = 0, attended_stride = 0;
};

absl::Status SourceEncoder::Attend(const Activations& at, absl::Span<const int64_t> cumulative,
                                   ExecutionContext& context) const {
  const StackConfig& config = stack_.config();
  const auto operand = [&](int64_t part) {
    const auto bytes =
        static_cast<size_t>(part * config.attention_width()) * ByteSize(stack_.dtype());
    return AttentionOperand{static_cast<const char*>(at.query_key_value) + bytes, 0,
                            config.head_dim, at.projection_stride};
  };
  AttentionArgs args;
  args.batch = static_cast<int64_t>(cumulative.size()) - 1;
  args.num_heads = args.num_kv_heads = config.num_heads;
  args.head_dim = args.value_dim = config.head_dim;
  args.dtype = stack_.dtype();
  args.query_lengths.cumulative = args.kv_lengths.cumulative = cumulative;
  args.query = operand(0);
  args.key = operand(1);
  args.value = operand(2);
  args.scale = config.attention_scale;
  if (stack_.relative_bias() != nullptr) args.bias = stack_.relative_bias()->OfRows();
  AttentionOutputs outputs;
  outputs.output = {at.attended, 0, config.head_dim, at.attended_stride};
  return Attention(args, outputs, context);
}

absl::StatusOr<TensorView> SourceEncoder::Run(absl::Span<const int32_t> ids,
                                              absl::Span<const int64_t> cumulative,
                                              ExecutionContext& context) const {
  const StackConfig& config = stack_.config();
  const auto tokens = static_cast<int64_t>(ids.size());
  const auto get = [&](Workspace::Slot slot, int64_t stride) {
    return context.workspace().Get(slot,
                                   static_cast<size_t>(tokens * stride) * ByteSize(stack_.dtype()));
  };
  const int64_t stride = stack_.stride();
  Activations at;
  at.projection_stride = RowStride(3 * config.attention_width(), stack_.dtype());
  at.attended_stride = RowStride(config.attention_width(), stack_.dtype());
  at.query_key_value = get(Workspace::Slot::kProjection, at.projection_stride);
  at.attended = get(Workspace::Slot::kAttentionOutput, at.attended_stride);
  void* const hidden = get(Workspace::Slot::kHidden, stride);
  void* const normed = get(Workspace::Slot::kNormed, stride);
  stack_.Embed(ids, Positions(ids, cumulative, context), hidden, context);
  for (const StackLayerWeights& layer : stack_.weights().layers) {
    RETURN_IF_ERROR(layer.self.query_key_value.Run(
        {.x = stack_.Before(layer.self.norm, hidden, normed, tokens, context),
         .x_stride = stride,
         .y = at.query_key_value,
         .y_stride = at.projection_stride,
         .rows = tokens},
        context));
    RETURN_IF_ERROR(Attend(at, cumulative, context));
    RETURN_IF_ERROR(layer.self.output.Run({.x = at.attended,
                                           .x_stride = at.attended_stride,
                                           .y = hidden,
                                           .y_stride = stride,
                                           .rows = tokens,
                                           .residual = hidden},
                                          context));
    stack_.After(layer.self.norm, hidden, tokens, context);
    RETURN_IF_ERROR(stack_.FeedForward(layer, hidden, normed, tokens, context));
  }
  stack_.Finish(hidden, tokens, context);
  CloseGaps(hidden, tokens, config.hidden_size, stack_.dtype());
  return TensorView{hidden, stack_.dtype(), Shape{tokens, config.hidden_size}};
}

}  // namespace attentiond
