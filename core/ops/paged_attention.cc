#include "core/ops/paged_attention.h"

#include <algorithm>

#include "core/ops/kernel_counts.h"
#include "core/ops/paged_attention_kernels.h"
#include "core/ops/workspace.h"

namespace attentiond {
namespace {

// Products that take about 10 us: less is not worth another thread.
constexpr int64_t kGrainProducts = 128 * 1024;

/// Adjacent rows that see the same keys.
struct RowGroup {
  size_t first = 0;
  int64_t rows = 0;
};

/// In the context's memory.
absl::Span<const RowGroup> GroupRows(absl::Span<const PagedRow> rows, ExecutionContext& context) {
  auto* const groups = static_cast<RowGroup*>(
      context.workspace().Get(Workspace::Slot::kRowGroups, rows.size() * sizeof(RowGroup)));
  size_t count = 0;
  for (size_t row = 0; row < rows.size(); ++row) {
    const bool joins = count > 0 && groups[count - 1].rows < PagedHead::kMaxRows &&
                       rows[groups[count - 1].first].pages == rows[row].pages &&
                       rows[groups[count - 1].first].length == rows[row].length;
    if (!joins) groups[count++] = {row, 0};
    ++groups[count - 1].rows;
  }
  return {groups, count};
}

PagedHead HeadOf(const PagedAttentionArgs& args, const RowGroup& group, int64_t head_index,
                 float* scratch) {
  const KeyValueLayout& layout = args.layout;
  const auto element = static_cast<int64_t>(ByteSize(layout.dtype));
  const PagedRow& first = args.rows[group.first];
  PagedHead head;
  head.layout = layout;
  head.pages = args.pages + layout.KeysAt(args.layer, head_index);
  head.page_bytes = layout.page_bytes();
  head.page_list = first.pages;
  head.length = first.length;
  head.rows = group.rows;
  head.scale = args.scale;
  head.scratch = scratch;
  for (int64_t i = 0; i < group.rows; ++i) {
    const auto index = static_cast<int64_t>(group.first) + i;
    const PagedRow& row = args.rows[static_cast<size_t>(index)];
    const int64_t channel = head_index * layout.head_dim;
    head.query[i] =
        static_cast<const char*>(args.query) + (index * args.query_stride + channel) * element;
    head.output[i] =
        static_cast<char*>(args.output) + (index * args.output_stride + channel) * element;
    if (row.bias != nullptr) head.bias[i] = row.bias + head_index * row.bias_stride;
    if (row.weights != nullptr) head.weights[i] = row.weights + head_index * row.length;
  }
  return head;
}

}  // namespace

void WriteKeyValues(const WriteKeyValuesArgs& args, ExecutionContext& context) {
  const KeyValueLayout& layout = args.layout;
  const auto element = static_cast<int64_t>(ByteSize(layout.dtype));
  const auto tokens = static_cast<int64_t>(args.tokens.size());
  const int64_t grain = std::max<int64_t>(
      1, kGrainProducts / 8 / std::max<int64_t>(1, layout.heads * layout.head_dim));
  context.threads().ParallelFor(tokens, grain, [&](int64_t begin, int64_t end, int) {
    for (int64_t t = begin; t < end; ++t) {
      const PagedToken& token = args.tokens[static_cast<size_t>(t)];
      for (int64_t head = 0; head < layout.heads; ++head) {
        const int64_t at = (t * args.stride + head * layout.head_dim) * element;
        WritePagedHead(layout, token.slot, static_cast<const char*>(args.keys) + at,
                       static_cast<const char*>(args.values) + at,
                       token.page + layout.KeysAt(args.layer, head),
                       token.page + layout.ValuesAt(args.layer, head));
      }
    }
  });
}

void PagedAttention(const PagedAttentionArgs& args, ExecutionContext& context) {
  if (args.rows.empty()) return;
  CountKernel(Kernel::kAttentionPaged);
  int64_t longest = 0, keys = 0;
  for (const PagedRow& row : args.rows) {
    longest = std::max(longest, row.length);
    keys += row.length;
  }
  const absl::Span<const RowGroup> groups = GroupRows(args.rows, context);
  const KeyValueLayout& layout = args.layout;
  const int64_t scratch = PagedHeadScratch(layout, longest);
  auto* const scratches = static_cast<float*>(context.workspace().Get(
      Workspace::Slot::kAttentionScratch,
      static_cast<size_t>(scratch * context.threads().num_threads()) * sizeof(float)));
  const auto count = static_cast<int64_t>(groups.size()) * layout.heads;
  const int64_t products = 2 * keys * layout.heads * layout.head_dim;
  const int64_t grain =
      std::max<int64_t>(1, count * kGrainProducts / std::max<int64_t>(1, products));
  context.threads().ParallelFor(count, grain, [&](int64_t begin, int64_t end, int thread) {
    for (int64_t i = begin; i < end; ++i) {
      AttendPagedHead(HeadOf(args, groups[static_cast<size_t>(i / layout.heads)], i % layout.heads,
                             scratches + thread * scratch));
    }
  });
}

}  // namespace attentiond
