// core/reference/paged_attention.h -- attention of one query to keys and values in pages.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "core/tensor/key_value_layout.h"

namespace attentiond::reference {

/// A head of one query.
struct PagedQuery {
  KeyValueLayout layout;
  int64_t layer = 0, head = 0;
  const char* pages = nullptr;        ///< page p at layout.page_bytes() * p
  absl::Span<const int32_t> list;     ///< which page each kTokens keys are in
  int64_t length = 0;                 ///< keys
  absl::Span<const float> query;      ///< [head_dim]
  absl::Span<const float> bias = {};  ///< [length], or empty
  double scale = 1;
};

/// output [head_dim] = sum of p[j] v[j], p = softmax of scale * q.k[j] + bias[j], all in double;
/// zeros without keys. `weights` [length] becomes p, unless it is empty.
void PagedAttention(const PagedQuery& query, absl::Span<double> output, absl::Span<double> weights);

}  // namespace attentiond::reference
