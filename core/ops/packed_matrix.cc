#include "core/ops/packed_matrix.h"

#include <algorithm>
#include <cstring>

#include "absl/types/span.h"
#include "core/onednn/isa.h"
#include "core/onednn/micro_kernel.h"
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

int64_t ChoosePanelColumns(int64_t columns, bool for_matrix_unit) {
  if (for_matrix_unit) return ChoosePanelColumns(columns, {48, 32, 16});
  if (columns <= 16) return 16;
  return ChoosePanelColumns(columns, {64, 48, 32});
}

}  // namespace

PackedMatrix::PackedMatrix(const TensorView& weight, DType dtype)
    : dtype_(dtype),
      for_matrix_unit_(dtype == DType::kBF16 && onednn::HasMatrixTiles()),
      // The matrix unit takes 32 rows of bf16 at once; vector units take any number.
      depth_(RoundUp(weight.shape.dim(1), dtype == DType::kBF16 ? 32 : 1)),
      columns_(weight.shape.dim(0)),
      panel_columns_(ChoosePanelColumns(columns_, for_matrix_unit_)),
      num_panels_(RoundUp(columns_, panel_columns_) / panel_columns_),
      data_(static_cast<size_t>(num_panels_ * depth_ * panel_columns_) * ByteSize(dtype)) {
  std::memset(data_.data(), 0, data_.size());
  const int64_t group = onednn::BGroup(dtype);
  const int64_t in = weight.shape.dim(1);
  for (int64_t column = 0; column < columns_; ++column) {
    const int64_t panel = column / panel_columns_, place = column % panel_columns_;
    for (int64_t row = 0; row < in; ++row) {
      const int64_t index = panel * depth_ * panel_columns_ +
                            (row / group * panel_columns_ + place) * group + row % group;
      StoreElement(data_.data(), dtype, index,
                   LoadElement(weight.data, weight.dtype, column * in + row));
    }
  }
}

}  // namespace attentiond
