// client/npy_row_writer.h -- a .npy file written row by row, for more rows than memory holds.
#pragma once

#include <cstdint>
#include <fstream>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace attentiond::client {

/// Writes an f32 array [rows, width] whose number of rows is known at the end. Not thread-safe.
class NpyRowWriter {
 public:
  /// Creates or replaces the file. kUnavailable: it cannot be.
  static absl::StatusOr<std::unique_ptr<NpyRowWriter>> Create(const std::string& path);

  /// kInvalidArgument: of another width than the first row. kUnavailable: it cannot be written.
  absl::Status Append(absl::Span<const float> row);

  /// Completes the header; call it once, last. Without it the file is not readable.
  absl::Status Finish();

  int64_t rows() const { return rows_; }

 private:
  explicit NpyRowWriter(const std::string& path);
  absl::Status WriteHeader(int64_t rows);

  const std::string path_;
  std::ofstream file_;
  int64_t rows_ = 0;
  int64_t width_ = 0;
};

}  // namespace attentiond::client
