// core/ops/attention_softmax.h -- softmax over a row of scores that comes a tile at a time.
// Private to core/ops.
//
// For each row the state keeps a base and the sum of the exponentials so far, 2^(score log2(e) -
// base). The base is the largest score of the first tile, and is raised only when a score is over
// 2^8 times ahead: then everything summed so far is scaled down. In f32, where a large score's own
// rounding would show in its exponential, the scores near the largest are computed again in double.
// Source: Milakov and Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022, arXiv:2205.14135.
#pragma once

#include <cstdint>
#include <limits>

#include "core/ops/attention_packing.h"
#include "core/tensor/dtype.h"

namespace attentiond {

/// What all rows of a block have in common.
struct ScoreRules {
  double scale = 1;
  double softcap = 0;                        ///< 0: none
  int64_t bias_stride = 0, mask_stride = 0;  ///< elements between keys
  DType dtype = DType::kF32;  ///< what the exponentials are stored as: kF32, or kBF16 at the same
                              ///< place, in half the space
  bool exact = true;    ///< exponentials and their sum to f32; otherwise good enough to be rounded
                        ///< to bf16
  bool precise = true;  ///< compute the largest scores again in double where f32 is not enough
};

/// One query. Keys outside of [visible_begin, visible_end) are masked.
struct ScoreRow {
  int64_t visible_begin = 0, visible_end = 0;
  const float* bias = nullptr;  ///< of key 0; nullptr: none
  const bool* mask = nullptr;   ///< of key 0; nullptr: none
  const void* query = nullptr;  ///< what was multiplied, to do it again in double
  float* weights = nullptr;     ///< of key 0: exponentials in f32; nullptr: not wanted
};

/// Products q.k of a block of rows with the keys from `first_key`.
struct ScoreTile {
  float* scores = nullptr;  ///< [rows, columns] at `stride`; become exponentials
  int64_t stride = 0;
  int64_t columns = 0;  ///< a multiple of 32; those past the last key are not visible
  int64_t first_key = 0;
  bool whole = false;  ///< every row sees every column
  const HeadRows* keys = nullptr;
};

/// The rows of a block, between tiles.
struct SoftmaxState {
  static constexpr int64_t kMaxRows = 32;
  static constexpr int64_t kLanes = 16;

  /// Sums of exponentials as they were stored, and (exact only) before they were rounded.
  alignas(64) float sums[kMaxRows][kLanes];
  alignas(64) float exact_sums[kMaxRows][kLanes];
  double base[kMaxRows];    ///< -inf as long as every key was masked
  float rescale[kMaxRows];  ///< what the last tile made of the sums before it
  bool finite[kMaxRows];    ///< false: a score left f32's range, nothing computed is of use
};

/// What a row comes to.
struct RowSummary {
  double base = 0;
  float sum = 0;        ///< of exponentials as they were stored; 0: all is masked
  float exact_sum = 0;  ///< before they were rounded; exact only
  bool finite = true;

  /// What makes probabilities of stored exponentials; 0 when all is masked.
  float inverse_sum() const { return sum == 0 ? 0 : 1 / sum; }
  /// log(sum_j exp(score_j)); -inf when all is masked; exact only.
  float lse() const;
};

void BeginSoftmax(int64_t rows, SoftmaxState* state);

/// Adds a tile; exponentials take the scores' place, zeros where masked. True: some row's `rescale`
/// is not 1.
bool AddTile(const ScoreRules& rules, const ScoreRow* rows, int64_t num_rows, const ScoreTile& tile,
             SoftmaxState* state);

void EndSoftmax(const ScoreRules& rules, const SoftmaxState& state, int64_t num_rows,
                RowSummary* summaries);

/// values[i] *= factor.
void ScaleValues(float factor, int64_t size, float* values);

/// Scales row r of `sums` [num_rows, width] by rescale[r].
void RescaleRows(const float* rescale, int64_t num_rows, int64_t width, float* sums);

/// Rows of sums to store divided by their sums of exponentials; those of one head are `step` rows
/// apart.
struct FinishedRows {
  const float* sums = nullptr;            ///< of the first row
  const RowSummary* summaries = nullptr;  ///< of the first row
  int64_t width = 0;                      ///< floats between the sums of neighbouring rows
  int64_t step = 1, count = 0;
  int64_t size = 0;  ///< values of a row
  void* y = nullptr;
  int64_t y_stride = 0;
  DType dtype = DType::kF32;  ///< of y: kF32, kBF16, kF16
};
/// Bit i: row i has a value that is not finite, or its summary says so.
uint32_t StoreRows(const FinishedRows& rows);

}  // namespace attentiond
