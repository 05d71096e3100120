// core/ops/attention_kernels.h -- attention's work around the matrix products: packing, softmax,
// storing; vectorised for the instruction set found at run time. Private to core/ops.
#pragma once

#include <cstdint>

#include "core/tensor/dtype.h"

namespace attentiond {

/// The tokens of one head of one sequence: [tokens, channels].
struct HeadRows {
  const void* data = nullptr;  ///< token 0
  int64_t stride = 0;          ///< elements between tokens
  int64_t channels = 0;
  DType dtype = DType::kF32;  ///< kF32, kBF16 or kF16

  const void* row(int64_t token) const {
    return static_cast<const char*>(data) + token * stride * static_cast<int64_t>(ByteSize(dtype));
  }
};

/// A panel to fill for the micro-kernels, of type kF32 or kBF16.
struct Panel {
  void* data = nullptr;
  DType dtype = DType::kF32;
  int64_t keys = 0;   ///< a multiple of 16; zeros past the last token
  int64_t width = 0;  ///< channels, zeros past the head's: even
};

/// Fills `row` [width] of type `dtype` (kF32; kBF16 when the head is bf16) with a token's channels
/// and zeros.
void CopyQuery(const HeadRows& queries, int64_t token, DType dtype, int64_t width, void* row);

/// Fills [width / g][keys][g], g = onednn::BGroup: the transposed keys first, first + 1, ...
void PackKeys(const HeadRows& keys, int64_t first, int64_t count, const Panel& panel);

/// Fills [keys / g][width][g]: the values first, first + 1, ...
void PackValues(const HeadRows& values, int64_t first, int64_t count, const Panel& panel);

/// One query's scores, which become exp(score - maximum) in place. They lie in panels of
/// kPanelKeys: column j at scores[j / kPanelKeys * panel_stride + j % kPanelKeys].
struct ScoreRow {
  static constexpr int64_t kPanelKeys = 256;

  float* scores = nullptr;  ///< products q.k
  int64_t panel_stride = 0;
  int64_t first_panel = 0;  ///< panels before it are not touched
  int64_t end = 0;          ///< columns in use: up to here, a multiple of 16, all are written
  int64_t visible_begin = 0, visible_end = 0;  ///< columns outside are masked

  double scale = 1;
  double softcap = 0;           ///< 0: none
  const float* bias = nullptr;  ///< nullptr: none
  int64_t bias_stride = 0;      ///< elements between keys
  const bool* mask = nullptr;   ///< nullptr: none
  int64_t mask_stride = 0;      ///< elements between keys

  const HeadRows* keys = nullptr;  ///< the keys and the query that were multiplied, to do it again
  const void* query = nullptr;     ///< in double where f32 is not enough

  DType dtype = DType::kF32;  ///< what the exponentials are stored as: kF32, or kBF16 at the same
                              ///< place, in half the space
  float* weights = nullptr;   ///< [num_weights] probabilities in f32; nullptr: not wanted
  int64_t num_weights = 0;
};

/// What SoftmaxRow() found.
struct RowSummary {
  float lse = 0;          ///< log(sum_j exp(score_j)); -inf when everything is masked
  float inverse_sum = 0;  ///< what makes probabilities of exponentials; 0 when all is masked
  bool finite = true;     ///< false: a score left f32's range, nothing written is of use
};

/// A score s is off by about |s| 2^-24, and a probability by so much in relation to itself: for
/// large scores that is more than f32 results need to be. Where the exponentials are f32, the
/// largest scores of such rows are therefore computed again in double.
RowSummary SoftmaxRow(const ScoreRow& row);

/// Stores `size` sums times `factor` as `dtype` (kF32, kBF16, kF16); false when one of them is not
/// finite.
bool StoreFiniteRow(const float* sums, float factor, int64_t size, DType dtype, void* y);

}  // namespace attentiond
