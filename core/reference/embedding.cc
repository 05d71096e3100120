#include "core/reference/embedding.h"

#include "core/tensor/element.h"

namespace attentiond::reference {

void AddEmbedding(const TensorView& table, int64_t index, absl::Span<double> sum) {
  const int64_t width = static_cast<int64_t>(sum.size());
  for (int64_t i = 0; i < width; ++i) {
    sum[static_cast<size_t>(i)] += double{LoadElement(table.data, table.dtype, index * width + i)};
  }
}

}  // namespace attentiond::reference
