// core/models/encoder_attention.cc -- which rows share a call of Attention().
#include "core/models/encoder_attention.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "core/base/status_macros.h"
#include "core/ops/attention.h"
#include "core/ops/workspace.h"

namespace attentiond {
namespace {

absl::Span<int64_t> RowStarts(size_t count, ExecutionContext& context) {
  void* const starts =
      context.workspace().Get(Workspace::Slot::kRowStarts, count * sizeof(int64_t));
  return absl::MakeSpan(static_cast<int64_t*>(starts), count);
}

/// Where the outputs of `row` begin: the rows before it that have a token each are shorter than
/// they were.
int64_t OutputToken(const EncoderBatch& batch, const EncoderAttention::Call& call, size_t row) {
  const size_t short_rows = std::min(row, call.first_token_rows);
  return batch.cumulative[row] - batch.cumulative[short_rows] + static_cast<int64_t>(short_rows);
}

/// Whether the tokens of a row are next to each other, without gaps.
bool IsAdjacent(const EncoderBatch& batch, size_t row) {
  if (batch.places.empty()) return true;
  const absl::Span<const int32_t> places = batch.places.subspan(
      static_cast<size_t>(batch.cumulative[row]), static_cast<size_t>(batch.length(row)));
  return std::adjacent_find(places.begin(), places.end(), [](int32_t place, int32_t next) {
           return next != place + 1;
         }) == places.end();
}

int64_t LongestOf(const EncoderBatch& batch, size_t begin, size_t end) {
  int64_t longest = 0;
  for (size_t row = begin; row < end; ++row) longest = std::max(longest, batch.length(row));
  return longest;
}

}  // namespace

absl::Status EncoderAttention::Run(const EncoderBatch& batch, const Call& call,
                                   ExecutionContext& context) const {
  const size_t rows = batch.cumulative.size() - 1;
  // Rows that want no probabilities go together, the others one by one into their own result.
  const size_t with_weights = rows - batch.attentions.size();
  const auto can_share = [&](size_t begin, size_t end) {
    if (scores_ == nullptr) return true;
    for (size_t row = begin; row < end; ++row) {
      if (!scores_->RowsShareCalls() || !IsAdjacent(batch, row)) return false;
    }
    return true;
  };
  size_t row = 0;
  if (call.first_token_rows > 0 && can_share(0, call.first_token_rows)) {
    RETURN_IF_ERROR(RunFirstTokens(batch, call, context));
    row = call.first_token_rows;
  }
  while (row < rows) {
    size_t end = row;
    while (row >= call.first_token_rows && end < with_weights && can_share(end, end + 1)) ++end;
    if (end > row) {
      RETURN_IF_ERROR(RunInTurn(batch, call, row, end, context));
      row = end;
    } else {
      RETURN_IF_ERROR(RunAlone(batch, call, row++, context));
    }
  }
  return absl::OkStatus();
}

absl::Status EncoderAttention::Attend(const AttendedRows& rows, AttentionArgs args,
                                      AttentionOutputs outputs, ExecutionContext& context) const {
  if (scores_ != nullptr) RETURN_IF_ERROR(scores_->AddTo(rows, &args, context));
  return Attention(args, outputs, context);
}

void* EncoderAttention::OutputAt(const Call& call, int64_t token) const {
  return static_cast<char*>(call.attended) +
         static_cast<size_t>(token * output_stride()) * ByteSize(dtype_);
}

/// The arguments that all calls share, for rows that begin at `first_token`.
AttentionArgs EncoderAttention::ArgsFor(const Call& call, int64_t first_token) const {
  const int64_t hidden = hidden_size();
  const auto column = [&](int64_t channel) {
    const auto element = static_cast<size_t>(first_token * projection_stride() + channel);
    return AttentionOperand{
        static_cast<const char*>(call.query_key_value) + element * ByteSize(dtype_), 0, head_dim_,
        projection_stride()};
  };
  AttentionArgs args;
  args.num_heads = args.num_kv_heads = num_heads_;
  args.head_dim = args.value_dim = head_dim_;
  args.dtype = dtype_;
  args.query = column(0);
  args.key = column(hidden);
  args.value = column(2 * hidden);
  return args;
}

/// The first token of each of the first rows attends to its whole row.
absl::Status EncoderAttention::RunFirstTokens(const EncoderBatch& batch, const Call& call,
                                              ExecutionContext& context) const {
  const int64_t hidden = hidden_size();
  const size_t rows = call.first_token_rows;
  const size_t row_bytes = static_cast<size_t>(hidden) * ByteSize(dtype_);
  const size_t stride_bytes = static_cast<size_t>(projection_stride()) * ByteSize(dtype_);
  auto* const queries =
      static_cast<char*>(context.workspace().Get(Workspace::Slot::kNormed, rows * row_bytes));
  const auto* const projected = static_cast<const char*>(call.query_key_value);
  for (size_t row = 0; row < rows; ++row) {
    const auto first = static_cast<size_t>(batch.cumulative[row]);
    std::memcpy(queries + row * row_bytes, projected + first * stride_bytes, row_bytes);
  }
  const absl::Span<int64_t> one_each = RowStarts(rows + 1, context);
  std::iota(one_each.begin(), one_each.end(), 0);

  AttentionArgs args = ArgsFor(call, 0);
  args.batch = static_cast<int64_t>(rows);
  args.query = {queries, 0, head_dim_, hidden};
  args.query_lengths.cumulative = one_each;
  args.kv_lengths.cumulative = batch.cumulative.first(rows + 1);
  AttentionOutputs outputs;
  outputs.output = {call.attended, 0, head_dim_, output_stride()};
  return Attend({.layer = call.layer, .longest = LongestOf(batch, 0, rows)}, args, outputs,
                context);
}

/// Rows that are long for the layer's window one by one, those between them together.
absl::Status EncoderAttention::RunInTurn(const EncoderBatch& batch, const Call& call, size_t begin,
                                         size_t end, ExecutionContext& context) const {
  while (begin < end) {
    if (GoesByBlocks(call, batch.length(begin))) {
      RETURN_IF_ERROR(RunBlocks(batch, call, begin++, context));
      continue;
    }
    size_t next = begin + 1;
    while (next < end && !GoesByBlocks(call, batch.length(next))) ++next;
    RETURN_IF_ERROR(RunTogether(batch, call, begin, next, context));
    begin = next;
  }
  return absl::OkStatus();
}

bool EncoderAttention::GoesByBlocks(const Call& call, int64_t length) const {
  const int64_t window = scores_ == nullptr ? 0 : scores_->Window(call.layer);
  // Blocks read four windows of keys each.
  return window > 0 && length > 6 * window;
}

/// Blocks of queries as long as two windows, each with the keys that it may see: the first block,
/// those that are alike, and what is left.
absl::Status EncoderAttention::RunBlocks(const EncoderBatch& batch, const Call& call, size_t row,
                                         ExecutionContext& context) const {
  const int64_t window = scores_->Window(call.layer), block = 2 * window;
  const int64_t length = batch.length(row), first_token = batch.cumulative[row];
  const int64_t output_token = OutputToken(batch, call, row);
  const auto attend = [&](int64_t count, int64_t query, int64_t queries, int64_t key,
                          int64_t keys) {
    AttentionArgs args = ArgsFor(call, first_token + key);
    args.batch = count;
    args.query = ArgsFor(call, first_token + query).query;
    args.query_lengths.dense_length = queries;
    args.kv_lengths.dense_length = keys;
    for (AttentionOperand* operand : {&args.query, &args.key, &args.value}) {
      operand->batch_stride = block * operand->token_stride;
    }
    AttentionOutputs outputs;
    outputs.output = {OutputAt(call, output_token + query), block * output_stride(), head_dim_,
                      output_stride()};
    return Attend(
        {.layer = call.layer, .longest = keys, .queries = queries, .first_query = query - key},
        args, outputs, context);
  };
  const int64_t alike = (length - window) / block - 1;
  RETURN_IF_ERROR(attend(1, 0, block, 0, block + window));
  RETURN_IF_ERROR(attend(alike, block, block, block - window, block + 2 * window));
  const int64_t rest = (alike + 1) * block;
  return attend(1, rest, length - rest, rest - window, length - rest + window);
}

absl::Status EncoderAttention::RunTogether(const EncoderBatch& batch, const Call& call,
                                           size_t begin, size_t end,
                                           ExecutionContext& context) const {
  const size_t count = end - begin;
  const int64_t first_token = batch.cumulative[begin];
  const absl::Span<int64_t> starts = RowStarts(count + 1, context);
  for (size_t row = 0; row <= count; ++row) {
    starts[row] = batch.cumulative[begin + row] - first_token;
  }
  AttentionArgs args = ArgsFor(call, first_token);
  args.batch = static_cast<int64_t>(count);
  args.query_lengths.cumulative = args.kv_lengths.cumulative = starts;
  AttentionOutputs outputs;
  outputs.output = {OutputAt(call, OutputToken(batch, call, begin)), 0, head_dim_, output_stride()};
  return Attend({.layer = call.layer, .longest = LongestOf(batch, begin, end)}, args, outputs,
                context);
}

absl::Status EncoderAttention::RunAlone(const EncoderBatch& batch, const Call& call, size_t row,
                                        ExecutionContext& context) const {
  const bool first_token_only = row < call.first_token_rows;
  const int64_t first_token = batch.cumulative[row], length = batch.length(row);
  AttentionArgs args = ArgsFor(call, first_token);
  args.batch = 1;
  args.query_lengths.dense_length = first_token_only ? 1 : length;
  args.kv_lengths.dense_length = length;

  AttentionOutputs outputs;
  outputs.output = {OutputAt(call, OutputToken(batch, call, row)), 0, head_dim_, output_stride()};
  const size_t with_weights = batch.cumulative.size() - 1 - batch.attentions.size();
  if (row >= with_weights) {
    outputs.weights =
        batch.attentions[row - with_weights] + call.layer * num_heads_ * length * length;
    outputs.weights_head_stride = length * length;
    outputs.weights_query_stride = length;
  }
  AttendedRows rows{.layer = call.layer,
                    .longest = length,
                    .queries = args.query_lengths.dense_length,
                    .query_key_value = args.query.data};
  if (!batch.places.empty()) {
    rows.places =
        batch.places.subspan(static_cast<size_t>(first_token), static_cast<size_t>(length));
  }
  return Attend(rows, args, outputs, context);
}

}  // namespace attentiond
