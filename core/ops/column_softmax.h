// core/ops/column_softmax.h -- softmax over scores that lie transposed: a register holds a key of
// sixteen rows, so that nothing is summed across lanes. Private to core/ops.
//
// As in attention_softmax.h, exponentials are relative to a base, which is raised only when one of
// them grows large; what they sum up to tells that.
#pragma once

#include <cstdint>

#include "core/ops/attention_softmax.h"
#include "core/ops/column_product.h"

namespace attentiond {

/// The rows of a block, between chunks of keys; those past the block's last may hold anything.
struct ColumnState {
  static constexpr int64_t kMaxRows = SoftmaxState::kMaxRows;

  alignas(64) float base[kMaxRows];     ///< an exponent of 2; -inf as long as every key was masked
  alignas(64) float sums[kMaxRows];     ///< of exponentials as they were stored
  alignas(64) float rescale[kMaxRows];  ///< what the last chunk made of the sums before it
  alignas(64) int32_t visible_begin[kMaxRows];
  alignas(64) int32_t visible_end[kMaxRows];  ///< keys outside of [begin, end) are masked
};

/// Products k.q of some keys with a block's rows, and what they are to become. Tiles of columns are
/// sixteen rows each.
struct ScoreColumns {
  static constexpr int64_t kRows = 16, kTileKeys = 16;

  const float* scores = nullptr;  ///< of each tile [num_keys, kRows]
  int64_t scores_stride = 0;      ///< from a tile's scores to the next one's
  int64_t tiles = 0;
  int64_t first_key = 0;
  int64_t num_keys = 0;              ///< a multiple of kTileKeys, at most 256
  bool whole = false;                ///< every row sees every key
  uint16_t* exponentials = nullptr;  ///< bf16 [num_keys / 2, kRows, 2] of each tile; 0 where masked
  int64_t stride = 0;                ///< from a tile's exponentials to the next one's
};

void BeginColumns(const ScoreRow* rows, int64_t num_rows, ColumnState* state);

/// Adds keys to the rows, their exponentials 2^(factor score - base). True: some row's `rescale`
/// may not be 1.
bool AddColumns(float factor, const ScoreColumns& columns, ColumnState* state);

/// The same, while other keys are multiplied with the queries: a softmax and a product of about the
/// same size keep the vector units and the matrix unit busy at the same time.
/// `held`, of the product before, may hold some of the scores.
bool AddColumnsMeanwhile(float factor, const ScoreColumns& columns, const ColumnProduct& product,
                         HeldSums* held, ColumnState* state);

/// Sums divided by those of their exponentials, in bf16: [width / 2, 16 row_tiles] pairs of
/// channels from tiles [width / 16][row_tiles][16 channels, 16 rows]; 0 where all is masked. Bit r:
/// row r has a value that is not finite, or came of scores that were not.
uint32_t RoundColumns(const ColumnState& state, const float* sums, int64_t row_tiles, int64_t width,
                      uint32_t* pairs);

/// Scales each of `num_tiles` tiles of sums [16, ScoreColumns::kRows], `stride` floats apart, by
/// its columns' `rescale`.
void RescaleColumns(const float* rescale, int64_t num_tiles, int64_t stride, float* sums);

}  // namespace attentiond
