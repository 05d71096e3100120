// core/models/bucket_bias.h -- MPNet's bias by distance, which all layers share.
#pragma once

#include <cstdint>

#include "core/models/position_scores.h"
#include "core/tensor/tensor.h"

namespace attentiond {

/// score += table[bucket(j - i), head]: near distances have a bucket of their own, those farther
/// share one in logarithmic steps. Source: Song et al. 2020, arXiv:2004.09297; buckets as in Raffel
/// et al. 2019, arXiv:1910.10683.
class BucketBias final : public PositionScores {
 public:
  static constexpr int kBuckets = 32;  ///< half of them for keys after the query

  /// `table` [at least kBuckets, heads], f32, f16 or bf16; copied.
  explicit BucketBias(const TensorView& table);

  bool RowsShareCalls() const override { return true; }
  absl::Status AddTo(const AttendedRows& rows, AttentionArgs* args,
                     ExecutionContext& context) const override;

 private:
  float Value(int64_t head, int64_t distance) const;

  int64_t num_heads_;
  std::vector<float> table_;  // [kBuckets, heads]
};

}  // namespace attentiond
