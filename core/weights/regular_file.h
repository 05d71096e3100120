// core/weights/regular_file.h -- opens files by name without ever blocking on, or trusting, what
// the name leads to.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace attentiond {

/// An open, readable regular file. Movable; closes on destruction.
class RegularFile {
 public:
  /// Messages start with the path. kNotFound: nothing has that name. kInvalidArgument: a directory,
  /// device or pipe (never waits for a pipe's other end), or the system's reason.
  static absl::StatusOr<RegularFile> Open(const std::string& path);

  RegularFile(RegularFile&& other) noexcept
      : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}
  RegularFile& operator=(RegularFile&&) = delete;
  ~RegularFile();

  int fd() const { return fd_; }
  /// Bytes, when it was opened.
  int64_t size() const { return size_; }
  /// The first size() bytes; kInvalidArgument when the file has shrunk or cannot be read.
  absl::StatusOr<std::string> ReadAll() const;

 private:
  RegularFile(std::string path, int fd, int64_t size)
      : path_(std::move(path)), fd_(fd), size_(size) {}

  std::string path_;
  int fd_ = -1;
  int64_t size_ = 0;
};

}  // namespace attentiond
