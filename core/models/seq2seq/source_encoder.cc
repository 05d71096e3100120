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

absl::Status SourceEncoder::Attend(const void* query_key_value, void* attended,
                                   absl::Span<const int64_t> cumulative,
                                   ExecutionContext& context) const {
  const StackConfig& config = stack_.config();
  const int64_t width = config.attention_width();
  const auto at = [&](int64_t part) {
    const auto bytes = static_cast<size_t>(part * width) * ByteSize(stack_.dtype());
    return AttentionOperand{static_cast<const char*>(query_key_value) + bytes, 0, config.head_dim,
                            3 * width};
  };
  AttentionArgs args;
  args.batch = static_cast<int64_t>(cumulative.size()) - 1;
  args.num_heads = args.num_kv_heads = config.num_heads;
  args.head_dim = args.value_dim = config.head_dim;
  args.dtype = stack_.dtype();
  args.query_lengths.cumulative = args.kv_lengths.cumulative = cumulative;
  args.query = at(0);
  args.key = at(1);
  args.value = at(2);
  args.scale = config.attention_scale;
  if (stack_.relative_bias() != nullptr) args.bias = stack_.relative_bias()->OfRows();
  AttentionOutputs outputs;
  outputs.output = {attended, 0, config.head_dim, width};
  return Attention(args, outputs, context);
}

absl::StatusOr<TensorView> SourceEncoder::Run(absl::Span<const int32_t> ids,
                                              absl::Span<const int64_t> cumulative,
                                              ExecutionContext& context) const {
  const StackConfig& config = stack_.config();
  const auto tokens = static_cast<int64_t>(ids.size());
  const int64_t hidden_size = config.hidden_size, width = config.attention_width();
  const auto get = [&](Workspace::Slot slot, int64_t channels) {
    return context.workspace().Get(
        slot, static_cast<size_t>(tokens * channels) * ByteSize(stack_.dtype()));
  };
  void* const hidden = get(Workspace::Slot::kHidden, hidden_size);
  void* const normed = get(Workspace::Slot::kNormed, hidden_size);
  void* const query_key_value = get(Workspace::Slot::kProjection, 3 * width);
  void* const attended = get(Workspace::Slot::kAttentionOutput, width);
  stack_.Embed(ids, Positions(ids, cumulative, context), hidden, context);
  for (const StackLayerWeights& layer : stack_.weights().layers) {
    RETURN_IF_ERROR(layer.self.query_key_value.Run(
        {.x = stack_.Before(layer.self.norm, hidden, normed, tokens, context),
         .x_stride = hidden_size,
         .y = query_key_value,
         .y_stride = 3 * width,
         .rows = tokens},
        context));
    RETURN_IF_ERROR(Attend(query_key_value, attended, cumulative, context));
    RETURN_IF_ERROR(layer.self.output.Run({.x = attended,
                                           .x_stride = width,
                                           .y = hidden,
                                           .y_stride = hidden_size,
                                           .rows = tokens,
                                           .residual = hidden},
                                          context));
    stack_.After(layer.self.norm, hidden, tokens, context);
    RETURN_IF_ERROR(stack_.FeedForward(layer, hidden, normed, tokens, context));
  }
  stack_.Finish(hidden, tokens, context);
  return TensorView{hidden, stack_.dtype(), Shape{tokens, hidden_size}};
}

}  // namespace attentiond
