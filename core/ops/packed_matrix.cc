#include "core/ops/packed_matrix.h"

#include <cstring>

#include "core/onednn/micro_kernel.h"
#include "core/tensor/element.h"

namespace attentiond {
namespace {

int64_t RoundUp(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// The widest panel among those that waste the fewest columns.
int64_t ChoosePanelColumns(int64_t columns) {
  if (columns <= 16) return 16;
  int64_t best = PackedMatrix::kMaxPanelColumns;
  for (const int64_t candidate : {48, 32}) {
    if (RoundUp(columns, candidate) < RoundUp(columns, best)) best = candidate;
  }
  return best;
}

}  // namespace

PackedMatrix::PackedMatrix(const TensorView& weight, DType dtype)
    : dtype_(dtype),
      // The matrix unit takes 32 rows of bf16 at once; vector units take any number.
      depth_(RoundUp(weight.shape.dim(1), dtype == DType::kBF16 ? 32 : 1)),
      columns_(weight.shape.dim(0)),
      panel_columns_(ChoosePanelColumns(columns_)),
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
