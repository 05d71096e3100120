#include "core/ops/packed_matrix.h"

#include <algorithm>
#include <vector>

#include "absl/types/span.h"
#include "core/onednn/isa.h"
#include "core/onednn/micro_kernel.h"
#include "core/ops/int8_kernels.h"
#include "core/ops/int8_tiles.h"
#include "core/ops/processor.h"
#include "core/ops/row_kernels.h"
#include "core/tensor/element.h"

namespace attentiond {
namespace {

int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Of the widths, widest first, the one that wastes the fewest columns.
int64_t ChoosePanelColumns(int64_t columns, absl::Span<const int64_t> widths) {
  return *std::min_element(widths.begin(), widths.end(), [=](int64_t a, int64_t b) {
    return RoundUp(columns, a) < RoundUp(columns, b);
  });
}

int64_t ChoosePanelColumns(int64_t columns, DType dtype, bool for_matrix_unit) {
  if (for_matrix_unit && dtype == DType::kI8) return Int8TileMultiplier::kColumns;
  if (for_matrix_unit) return ChoosePanelColumns(columns, {48, 32, 16});
  if (columns <= 16) return 16;
  return ChoosePanelColumns(columns, {64, 48, 32});
}

// The matrix unit takes 64 bytes of the depth at once; vector units take any number of f32.
int64_t DepthStep(DType dtype) {
  return dtype == DType::kF32 ? 1 : 64 / static_cast<int64_t>(ByteSize(dtype));
}

}  // namespace

PackedMatrix::PackedMatrix(const TensorView& weight, DType dtype)
    : dtype_(dtype),
      for_matrix_unit_(dtype != DType::kF32 && onednn::HasMatrixTiles()),
      depth_(RoundUp(weight.shape.dim(1), DepthStep(dtype))),
      columns_(weight.shape.dim(0)),
      panel_columns_(ChoosePanelColumns(columns_, dtype, for_matrix_unit_)),
      num_panels_(RoundUp(columns_, panel_columns_) / panel_columns_),
      data_(static_cast<size_t>(num_panels_ * depth_ * panel_columns_) * ByteSize(dtype)) {
  if (dtype == DType::kI8) {
    PackQuantized(weight);
  } else {
    Pack(weight);
  }
}

void PackedMatrix::Pack(const TensorView& weight) {
  const int64_t group = onednn::BGroup(dtype_);
  const int64_t in = weight.shape.dim(1);
  for (int64_t column = 0; column < columns_; ++column) {
    const int64_t panel = column / panel_columns_, place = column % panel_columns_;
    for (int64_t row = 0; row < in; ++row) {
      const int64_t index = panel * depth_ * panel_columns_ +
                            (row / group * panel_columns_ + place) * group + row % group;
      StoreElement(data_.data(), dtype_, index,
                   LoadElement(weight.data, weight.dtype, column * in + row));
    }
  }
}

void PackedMatrix::PackQuantized(const TensorView& weight) {
  MatchVectorIsa();  // as Run() will: the order inside a piece depends on it
  constexpr size_t kGroup = onednn::BGroup(DType::kI8);
  const auto padded_columns = static_cast<size_t>(num_panels_ * panel_columns_);
  scales_ = WeightMemory(padded_columns * sizeof(float));
  first_sums_ = WeightMemory(padded_columns * sizeof(int32_t));
  const int64_t in = weight.shape.dim(1);
  const int64_t row_bytes = in * static_cast<int64_t>(ByteSize(weight.dtype));
  std::vector<float> row(static_cast<size_t>(in));
  std::vector<uint8_t> quantized(static_cast<size_t>(depth_), kInt8Zero);
  for (int64_t column = 0; column < columns_; ++column) {
    LoadRow(static_cast<const char*>(weight.data) + column * row_bytes, weight.dtype, in,
            row.data());
    static_cast<float*>(scales_.data())[column] =
        QuantizeRow(row.data(), DType::kF32, in, quantized.data());
    const int64_t panel = column / panel_columns_, place = column % panel_columns_;
    int8_t* to = static_cast<int8_t*>(data_.data()) + panel * depth_ * panel_columns_ +
                 place * int64_t{kGroup};
    int32_t sum = 0;
    for (size_t k = 0; k < quantized.size(); k += kGroup) {
      for (size_t i = 0; i < kGroup; ++i) {
        to[i] = static_cast<int8_t>(quantized[k + i] - kInt8Zero);
        sum += to[i];
      }
      to += panel_columns_ * int64_t{kGroup};
    }
    static_cast<int32_t*>(first_sums_.data())[column] = -sum * kInt8Zero;
  }
}

}  // namespace attentiond
