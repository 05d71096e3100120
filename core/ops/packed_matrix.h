// core/ops/packed_matrix.h -- a linear layer's weights in the order in which micro-kernels read
// them. Private to core/ops.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/ops/weight_memory.h"
#include "core/tensor/tensor.h"

namespace attentiond {

/// W^T in panels of equally many columns (at most 64, for the matrix unit 48): [panels][depth /
/// g][panel columns][g] with g = onednn::BGroup(dtype). Zeros fill the depth up to a whole number
/// of matrix-unit steps, and the last panel's columns. As 8-bit integers each column has a scale
/// of its own.
class PackedMatrix {
 public:
  static constexpr int64_t kMaxPanelColumns = 64;
  /// With more, sums of 127 * 127 would not fit an int32.
  static constexpr int64_t kMaxInt8Depth = 1 << 17;

  PackedMatrix() = default;
  /// `weight` is [columns, depth] of f32, bf16 or f16, as a checkpoint has a linear layer's;
  /// `dtype` is kF32, kBF16 or kI8: QuantizeRow() of each of its rows, at most kMaxInt8Depth deep.
  PackedMatrix(const TensorView& weight, DType dtype);

  DType dtype() const { return dtype_; }
  /// Whether the panels are as wide as TileMultiplier wants them.
  bool for_matrix_unit() const { return for_matrix_unit_; }
  int64_t depth() const { return depth_; }      ///< with the zeros
  int64_t columns() const { return columns_; }  ///< without
  int64_t panel_columns() const { return panel_columns_; }
  int64_t num_panels() const { return num_panels_; }
  /// Of a panel, without the zeros.
  int64_t ColumnsOf(int64_t panel) const {
    return std::min(panel_columns_, columns_ - panel * panel_columns_);
  }
  size_t bytes() const { return data_.size() + scales_.size() + first_sums_.size(); }

  /// Where the rows from `row` (a multiple of g) of W^T are in a panel.
  const void* at(int64_t panel, int64_t row) const {
    return static_cast<const char*>(data_.data()) +
           (panel * depth_ + row) * panel_columns_ * static_cast<int64_t>(ByteSize(dtype_));
  }

  /// Of kI8, for each column, zeros for the last panel's rest: its scale, and what the sums of its
  /// products begin with, because a quantised x is 128 (kInt8Zero) too large: -128 times the sum of
  /// its integers.
  const float* scales() const { return static_cast<const float*>(scales_.data()); }
  const int32_t* first_sums() const { return static_cast<const int32_t*>(first_sums_.data()); }

 private:
  void Pack(const TensorView& weight);
  void PackQuantized(const TensorView& weight);

  DType dtype_ = DType::kF32;
  bool for_matrix_unit_ = false;
  int64_t depth_ = 0, columns_ = 0, panel_columns_ = 0, num_panels_ = 0;
  WeightMemory data_, scales_, first_sums_;
};

}  // namespace attentiond
