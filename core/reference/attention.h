// core/reference/attention.h -- attention as its definition reads: the specification of the fast
// kernels, and what runs where there is none.
#pragma once

#include <cstdint>

#include "core/tensor/attention_args.h"

namespace attentiond::reference {

/// attentiond::Attention() (core/ops/attention.h) with every product and sum in double; the results
/// are rounded once. The arguments are valid.
void Attention(const AttentionArgs& args, const AttentionOutputs& outputs);

/// The query tokens [query_begin, query_end) of head `head` of sequence `sequence` alone. Calls for
/// different queries may overlap in time.
void AttentionRows(const AttentionArgs& args, const AttentionOutputs& outputs, int64_t sequence,
                   int64_t head, int64_t query_begin, int64_t query_end);

}  // namespace attentiond::reference
