// core/models/encoder_batch.h -- the rows that an encoder runs at once.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace attentiond {

/// The tokens of B rows, one row after the other: T tokens in all. Borrowed; validated by the
/// caller. What embeddings read (ids, type_ids, positions) is empty where rows are no texts.
struct EncoderBatch {
  absl::Span<const int32_t> ids;         ///< [T], each in [0, vocab_size)
  absl::Span<const int32_t> type_ids;    ///< [T], each in [0, type_vocab_size); empty without types
  absl::Span<const int32_t> positions;   ///< [T], each in [0, max_positions): rows of the table
  absl::Span<const int64_t> cumulative;  ///< [B + 1], from 0 to T: where each row begins

  /// [T], where each token is in its row, for what depends on distances; empty: 0, 1, 2... in each.
  absl::Span<const int32_t> places = {};

  /// Where the last attentions.size() rows of the batch want their attention probabilities:
  /// [layers, heads, S, S] of f32 for a row of S tokens.
  absl::Span<float* const> attentions = {};

  /// Of the first so many rows only the first token's hidden state is wanted, as classification
  /// does: the last layer leaves out the others. They do not want attentions.
  size_t first_token_rows = 0;

  int64_t num_tokens() const { return cumulative.back(); }
  int64_t length(size_t row) const { return cumulative[row + 1] - cumulative[row]; }
};

}  // namespace attentiond
