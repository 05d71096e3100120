#include "client/commands/matrix.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/render/table.h"
#include "core/tensor/element.h"

namespace attentiond::client {
namespace {

constexpr int64_t kShown = 8;

// "[0, 1]" for the second matrix of [1, 2, rows, columns]; "" when there is one alone.
std::string MatrixIndex(const Shape& shape, int64_t matrix) {
  std::vector<int64_t> index;
  for (int axis = shape.rank() - 3; axis >= 0; --axis) {
    index.insert(index.begin(), matrix % shape.dim(axis));
    matrix /= shape.dim(axis);
  }
  return absl::StrCat("[", absl::StrJoin(index, ", "), "]\n");
}

std::string OneMatrix(const TensorView& tensor, int64_t offset, int64_t rows, int64_t columns,
                      const std::vector<std::string>& row_labels) {
  const int64_t shown_columns = std::min(columns, kShown);
  Table table(
      std::vector<Table::Column>(static_cast<size_t>(shown_columns) + 2, {"", Align::kRight}));
  for (int64_t row = 0; row < std::min(rows, kShown); ++row) {
    const auto label = static_cast<size_t>(row);
    std::vector<std::string> cells = {label < row_labels.size() ? row_labels[label] : ""};
    for (int64_t column = 0; column < shown_columns; ++column) {
      const float value = LoadElement(tensor.data, tensor.dtype, offset + row * columns + column);
      cells.push_back(absl::StrFormat("%.4f", value));
    }
    cells.push_back(columns > kShown ? "..." : "");
    table.AddRow(cells);
  }
  return absl::StrCat(table.Render(0), rows > kShown ? "...\n" : "");
}

}  // namespace

std::string FormatMatrix(const TensorView& tensor, const std::vector<std::string>& row_labels) {
  const int rank = tensor.shape.rank();
  const int64_t columns = tensor.shape.dim(rank - 1);
  const int64_t rows = rank > 1 ? tensor.shape.dim(rank - 2) : 1;
  if (tensor.num_elements() == 0) return "(empty)\n";
  const int64_t matrices = tensor.num_elements() / (rows * columns);
  std::string out;
  for (int64_t matrix = 0; matrix < std::min(matrices, kShown); ++matrix) {
    if (matrices > 1) absl::StrAppend(&out, MatrixIndex(tensor.shape, matrix));
    absl::StrAppend(&out, OneMatrix(tensor, matrix * rows * columns, rows, columns, row_labels));
  }
  if (matrices > kShown) absl::StrAppend(&out, "...\n");
  return out;
}

}  // namespace attentiond::client
