// core/engine/ragged_batch.h -- rows of different lengths, laid one after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "core/engine/model.h"
#include "core/models/encoder_config.h"

namespace attentiond {

/// The tokens of a batch in one sequence, with the defaults of EncoderRow filled in. The rows that
/// need no more than their first token come first and those that want attentions last, otherwise
/// the order is the caller's.
struct RaggedBatch {
  std::vector<size_t> rows;         ///< [B]: which of the caller's rows is at each place
  std::vector<int64_t> cumulative;  ///< [B + 1]: where each place begins, from 0 to T
  std::vector<int32_t> ids;         ///< [T]
  std::vector<int32_t> type_ids;    ///< [T]; empty without token types
  std::vector<int32_t> positions;   ///< [T]: rows of the position table
  std::vector<int32_t> places;      ///< [T] as EncoderBatch's; empty when no row gives positions

  size_t first_token_rows = 0;  ///< so many places need their first token only

  /// Makes `cumulative` that of a batch in which those places have nothing else left.
  void KeepFirstTokens();
  int64_t length(size_t place) const { return cumulative[place + 1] - cumulative[place]; }
};

/// `rows` are valid. `needs_first_token` says of a row, which does not want attentions, that it
/// needs no other.
RaggedBatch MakeRaggedBatch(absl::Span<const EncoderRow> rows, bool has_types,
                            const PositionRule& rule,
                            absl::FunctionRef<bool(const EncoderRow&)> needs_first_token);

}  // namespace attentiond
