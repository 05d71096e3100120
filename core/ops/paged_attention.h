// core/ops/paged_attention.h -- attention of single queries to keys and values in pages.
//
// Public header of core/. What a decoder needs of attention: each row is one query, with its own
// list of pages; rows of one input (beams) may share pages or whole lists.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "core/ops/execution_context.h"
#include "core/tensor/key_value_layout.h"

namespace attentiond {

/// A token whose keys and values are written into a page.
struct PagedToken {
  char* page = nullptr;
  int64_t slot = 0;  ///< in the page, [0, KeyValueLayout::kTokens)
};

/// Keys and values of tokens, as linear layers make them.
struct WriteKeyValuesArgs {
  KeyValueLayout layout;
  int64_t layer = 0;
  absl::Span<const PagedToken> tokens;
  const void* keys = nullptr;    ///< [tokens, heads * head_dim] of layout.dtype
  const void* values = nullptr;  ///< the same
  int64_t stride = 0;            ///< of both, from a token to the next, in elements
};
/// Different tokens have different places. Threads: context's.
void WriteKeyValues(const WriteKeyValuesArgs& args, ExecutionContext& context);

/// One query.
struct PagedRow {
  const int32_t* pages = nullptr;  ///< which page each kTokens of its keys are in
  int64_t length = 0;              ///< keys that it sees, from the first
  const float* bias = nullptr;     ///< [heads, length] at bias_stride, added to the scores; or none
  int64_t bias_stride = 0;
  float* weights = nullptr;  ///< [heads, length] probabilities, wanted unless null
};

struct PagedAttentionArgs {
  KeyValueLayout layout;
  int64_t layer = 0;
  char* pages = nullptr;  ///< page p is layout.page_bytes() * p from here
  absl::Span<const PagedRow> rows;
  const void* query = nullptr;  ///< [rows, heads * head_dim] of layout.dtype
  int64_t query_stride = 0;     ///< elements
  void* output = nullptr;       ///< the same
  int64_t output_stride = 0;
  float scale = 1;  ///< multiplies q.k
};

/// output = softmax(scale * q.k + bias) v, row by row and head by head; zeros where length is 0.
///
/// Numerics  products, softmax and sums in f32. A row's result does not depend on the other rows,
///           bit for bit, nor on the number of threads.
/// Cost      reads the pages of adjacent rows with the same list once for up to four of them.
/// Threads   context's. The plain loops: core/reference/paged_attention.h.
/// Source    Kwon et al. 2023, arXiv:2309.06180, section 4.
void PagedAttention(const PagedAttentionArgs& args, ExecutionContext& context);

}  // namespace attentiond
