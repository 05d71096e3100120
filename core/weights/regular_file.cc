#include "core/weights/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace attentiond {
namespace {

absl::Status SystemError(const std::string& path, int error) {
  if (error == ENOENT || error == ENOTDIR) {
    return absl::NotFoundError(absl::StrCat(path, ": no such file"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": cannot be read: ", std::generic_category().message(error)));
}

}  // namespace

absl::StatusOr<RegularFile> RegularFile::Open(const std::string& path) {
  // O_NONBLOCK: opening a pipe that nobody writes to would wait; a regular file ignores it.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return SystemError(path, errno);
  struct stat status = {};
  if (::fstat(fd, &status) != 0) {
    const int error = errno;
    ::close(fd);
    return SystemError(path, error);
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(fd);
    return absl::InvalidArgumentError(
        absl::StrCat(path, S_ISDIR(status.st_mode) ? ": is a directory" : ": is not a regular file",
                     ", a file is required"));
  }
  return RegularFile(path, fd, status.st_size);
}

RegularFile::~RegularFile() {
  if (fd_ >= 0) ::close(fd_);
}

absl::StatusOr<std::string> RegularFile::ReadAll() const {
  std::string bytes(static_cast<size_t>(size_), '\0');
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count =
        ::pread(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError(path_, errno);
    if (count == 0) {
      return absl::InvalidArgumentError(absl::StrCat(path_, ": has shrunk to ", done,
                                                     " bytes while it was read, it had ", size_));
    }
    done += static_cast<size_t>(count);
  }
  return bytes;
}

}  // namespace attentiond
