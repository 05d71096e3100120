#include "client/render/table.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "client/render/escape.h"
#include "core/base/check.h"

namespace attentiond::client {
namespace {

constexpr int kGap = 2;
constexpr int kLeastWidth = 8;

}  // namespace

void Table::AddRow(const std::vector<std::string>& cells) {
  ATTENTIOND_CHECK(cells.size() == columns_.size());
  std::vector<std::string>& row = rows_.emplace_back();
  for (const std::string& cell : cells) row.push_back(Printable(cell));
}

std::vector<int> Table::Widths(int max_width) const {
  std::vector<int> widths;
  for (size_t column = 0; column < columns_.size(); ++column) {
    int width = DisplayWidth(columns_[column].header);
    for (const auto& row : rows_) width = std::max(width, DisplayWidth(row[column]));
    widths.push_back(width);
  }
  int excess = std::accumulate(widths.begin(), widths.end(), 0) +
               kGap * (static_cast<int>(widths.size()) - 1) - max_width;
  for (size_t column = 0; max_width > 0 && excess > 0 && column < widths.size(); ++column) {
    if (!columns_[column].shrinks) continue;
    const int cut = std::clamp(excess, 0, std::max(0, widths[column] - kLeastWidth));
    widths[column] -= cut;
    excess -= cut;
  }
  return widths;
}

std::string Table::Render(int max_width) const {
  const std::vector<int> widths = Widths(max_width);
  std::string out;
  const auto append_line = [&](const auto& cell_of) {
    std::string line;
    for (size_t column = 0; column < columns_.size(); ++column) {
      if (column > 0) line.append(kGap, ' ');
      line += FitToWidth(cell_of(column), widths[column], columns_[column].align);
    }
    absl::StrAppend(&out, absl::StripTrailingAsciiWhitespace(line), "\n");
  };
  const bool has_headers = std::any_of(columns_.begin(), columns_.end(),
                                       [](const Column& c) { return !c.header.empty(); });
  if (has_headers) append_line([&](size_t column) { return columns_[column].header; });
  for (const auto& row : rows_) append_line([&](size_t column) { return row[column]; });
  return out;
}

}  // namespace attentiond::client
