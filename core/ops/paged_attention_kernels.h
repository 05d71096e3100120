// core/ops/paged_attention_kernels.h -- vectorised parts of paged attention, for the instruction
// set found at run time. Private to core/ops.
#pragma once

#include <cstdint>

#include "core/tensor/key_value_layout.h"

namespace attentiond {

/// Up to kMaxRows queries of one head that see the same keys.
struct PagedHead {
  static constexpr int64_t kMaxRows = 4;

  KeyValueLayout layout;
  const char* pages = nullptr;  ///< the head's keys in page 0
  size_t page_bytes = 0;
  const int32_t* page_list = nullptr;
  int64_t length = 0;
  int64_t rows = 0;
  const void* query[kMaxRows] = {};  ///< [head_dim] of layout.dtype
  void* output[kMaxRows] = {};
  const float* bias[kMaxRows] = {};  ///< [length] or nullptr
  float* weights[kMaxRows] = {};     ///< [length] or nullptr
  float scale = 1;
  /// Room for kMaxRows rows of queries in f32 and of scores: PagedHeadScratch() floats.
  float* scratch = nullptr;
};

/// Floats of scratch memory for heads of at most `length` keys.
int64_t PagedHeadScratch(const KeyValueLayout& layout, int64_t length);

void AttendPagedHead(const PagedHead& head);

/// Writes one token's keys and values of one head, [head_dim] each, into a page's head.
void WritePagedHead(const KeyValueLayout& layout, int64_t slot, const void* key, const void* value,
                    char* keys, char* values);

}  // namespace attentiond
