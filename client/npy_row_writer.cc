#include "client/npy_row_writer.h"

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "client/npy.h"
#include "core/base/status_macros.h"

namespace attentiond::client {
namespace {

// Room for the header of any [rows, width]: with two 19-digit numbers it has 112 bytes.
constexpr size_t kHeaderBytes = 128;

}  // namespace

NpyRowWriter::NpyRowWriter(const std::string& path)
    : path_(path), file_(path, std::ios::binary | std::ios::trunc) {}

absl::StatusOr<std::unique_ptr<NpyRowWriter>> NpyRowWriter::Create(const std::string& path) {
  std::unique_ptr<NpyRowWriter> writer(new NpyRowWriter(path));
  if (!writer->file_) {
    return absl::UnavailableError(
        absl::StrCat(path, ": ", std::error_code(errno, std::generic_category()).message()));
  }
  return writer;
}

absl::Status NpyRowWriter::Append(absl::Span<const float> row) {
  const auto width = static_cast<int64_t>(row.size());
  if (rows_ == 0) {
    width_ = width;
    RETURN_IF_ERROR(WriteHeader(/*rows=*/0));
  } else if (width != width_) {
    return absl::InvalidArgumentError(
        absl::StrCat("row ", rows_ + 1, " has ", width, " values, the first has ", width_));
  }
  file_.write(reinterpret_cast<const char*>(row.data()),
              static_cast<std::streamsize>(row.size() * sizeof(float)));
  ++rows_;
  return file_ ? absl::OkStatus()
               : absl::UnavailableError(absl::StrCat(path_, ": cannot be written"));
}

absl::Status NpyRowWriter::Finish() {
  RETURN_IF_ERROR(WriteHeader(rows_));
  file_.close();
  return file_ ? absl::OkStatus()
               : absl::UnavailableError(absl::StrCat(path_, ": cannot be written"));
}

absl::Status NpyRowWriter::WriteHeader(int64_t rows) {
  file_.seekp(0);
  file_ << FormatNpyHeader(DType::kF32, {rows, width_}, kHeaderBytes);
  return file_ ? absl::OkStatus()
               : absl::UnavailableError(absl::StrCat(path_, ": cannot be written"));
}

}  // namespace attentiond::client
