// core/reference/embedding.h -- a row of an embedding table, added up.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "core/tensor/tensor.h"

namespace attentiond::reference {

/// sum += table[index,:], with table [entries, sum.size()] of f32, bf16 or f16 and index in
/// [0, entries).
void AddEmbedding(const TensorView& table, int64_t index, absl::Span<double> sum);

}  // namespace attentiond::reference
