// core/ops/attention_few_queries_kernels.h -- products of a few rows with keys and values as they
// lie, vectorised for the instruction set found at run time. Private to core/ops.
#pragma once

#include <cstdint>

#include "core/ops/attention_packing.h"

namespace attentiond {

/// scores[r * stride + k] = q[r] . key[first + k], for k in [0, count).
/// `queries` is f32 [num_rows, width], zeros past the head's channels; width is a multiple of 16;
/// num_rows is 1 to 4.
void MultiplyKeys(const float* queries, int64_t width, int64_t num_rows, const HeadRows& keys,
                  int64_t first, int64_t count, float* scores, int64_t stride);

/// sums[r * width + d] += sum over k in [0, count) of p[r * stride + k] value[first + k, d].
void AddValues(const float* p, int64_t stride, int64_t num_rows, const HeadRows& values,
               int64_t first, int64_t count, float* sums, int64_t width);

}  // namespace attentiond
