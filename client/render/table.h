// client/render/table.h -- aligned columns for people.
#pragma once

#include <string>
#include <vector>

#include "client/render/display_width.h"

namespace attentiond::client {

/// Collects rows, then prints them in columns as wide as their widest cell. Cells pass through
/// Printable(). Not thread-safe.
class Table {
 public:
  struct Column {
    std::string header;
    Align align = Align::kLeft;
    bool shrinks = false;  ///< is cut ("…") when the table is wider than allowed
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One cell for each column.
  void AddRow(const std::vector<std::string>& cells);
  bool empty() const { return rows_.empty(); }

  /// Lines that end in '\n', without trailing spaces: the headers (unless all are empty) and the
  /// rows. When `max_width` > 0, shrinking columns give way, down to 8 columns each, to keep lines
  /// that short.
  std::string Render(int max_width) const;

 private:
  std::vector<int> Widths(int max_width) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace attentiond::client
