// core/engine/ragged_batch.h -- rows of different lengths, laid one after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "core/engine/model.h"

namespace attentiond {

/// The tokens of a batch in one sequence, with the defaults of EncoderRow filled in. The rows that
/// want attentions come last, otherwise the order is the caller's.
struct RaggedBatch {
  std::vector<size_t> rows;         ///< [B]: which of the caller's rows is at each place
  std::vector<int64_t> cumulative;  ///< [B + 1]: where each place begins, from 0 to T
  std::vector<int32_t> ids;         ///< [T]
  std::vector<int32_t> type_ids;    ///< [T]; empty without token types
  std::vector<int32_t> positions;   ///< [T]

  /// Makes `cumulative` that of a batch of which each row has its first token left.
  void KeepFirstTokens();
  int64_t length(size_t place) const { return cumulative[place + 1] - cumulative[place]; }
};

/// `rows` are valid.
RaggedBatch MakeRaggedBatch(absl::Span<const EncoderRow> rows, bool has_types);

}  // namespace attentiond
