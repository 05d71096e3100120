// server/repository/model_location.cc -- names, version folders and symbolic links.
#include "server/repository/model_location.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace attentiond {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxNameBytes = 128;

bool IsFile(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool IsDirectory(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

absl::StatusOr<std::vector<fs::path>> Children(const fs::path& directory) {
  std::vector<fs::path> children;
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    children.push_back(entry->path());
  }
  if (error) {
    return absl::NotFoundError(absl::StrCat(directory.string(), ": ", error.message()));
  }
  return children;
}

// "7" -> 7; not "07", "+7" or "0".
std::optional<uint64_t> ParseVersion(const std::string& name) {
  uint64_t version = 0;
  if (name.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(name[0])) || name[0] == '0' ||
      !absl::SimpleAtoi(name, &version)) {
    return std::nullopt;
  }
  return version;
}

// Whether `path`, links followed, is `root` (already resolved) or in it. False for a dangling link.
bool IsInside(const fs::path& path, const fs::path& root) {
  std::error_code error;
  const fs::path resolved = fs::canonical(path, error);
  if (error) return false;
  return std::mismatch(root.begin(), root.end(), resolved.begin(), resolved.end()).first ==
         root.end();
}

}  // namespace

absl::Status CheckModelName(absl::string_view name) {
  const auto is_plain = [](unsigned char c) {
    return absl::ascii_isprint(c) && c != '/' && c != '\\';
  };
  if (name.empty()) return absl::InvalidArgumentError("model name: empty");
  if (name.size() > kMaxNameBytes) {
    return absl::InvalidArgumentError(absl::StrCat("model name: ", name.size(), " bytes, at most ",
                                                   kMaxNameBytes, " are allowed"));
  }
  if (!std::all_of(name.begin(), name.end(), is_plain) || name == "." ||
      absl::StrContains(name, "..")) {
    return absl::InvalidArgumentError(
        "model name: must be printable ASCII without slashes and \"..\"");
  }
  return absl::OkStatus();
}

absl::StatusOr<ModelLocation> LocateModel(const std::string& directory) {
  const fs::path path(directory);
  if (!IsDirectory(path)) {
    return absl::NotFoundError(absl::StrCat(directory, ": no such directory"));
  }
  if (IsFile(path / "config.json")) return ModelLocation{directory, "1"};
  ASSIGN_OR_RETURN(const std::vector<fs::path> children, Children(path));
  uint64_t newest = 0;
  for (const fs::path& child : children) {
    const std::optional<uint64_t> version = ParseVersion(child.filename().string());
    if (version.has_value() && IsFile(child / "config.json")) newest = std::max(newest, *version);
  }
  if (newest == 0) {
    return absl::NotFoundError(absl::StrCat(
        directory, ": no config.json in it, nor in a sub-folder named by a version number"));
  }
  const std::string version = absl::StrCat(newest);
  return ModelLocation{(path / version).string(), version};
}

absl::StatusOr<ModelLocation> LocateModelIn(const std::string& repository,
                                            const std::string& name) {
  RETURN_IF_ERROR(CheckModelName(name));
  std::error_code error;
  const fs::path root = fs::canonical(repository, error);
  if (error) {
    return absl::NotFoundError(absl::StrCat(repository, ": no such directory"));
  }
  const fs::path directory = fs::path(repository) / name;
  if (IsDirectory(directory) && !IsInside(directory, root)) {
    return absl::InvalidArgumentError(
        absl::StrCat(directory.string(), ": a link that leads out of the model repository"));
  }
  ASSIGN_OR_RETURN(ModelLocation location, LocateModel(directory.string()));
  ASSIGN_OR_RETURN(std::vector<fs::path> parts, Children(location.directory));
  parts.emplace_back(location.directory);
  for (const fs::path& part : parts) {
    if (!IsInside(part, root)) {
      return absl::InvalidArgumentError(
          absl::StrCat(part.string(), ": a link that leads out of the model repository"));
    }
  }
  return location;
}

absl::StatusOr<std::vector<std::string>> ListModels(const std::string& repository) {
  ASSIGN_OR_RETURN(const std::vector<fs::path> children, Children(repository));
  std::vector<std::string> names;
  for (const fs::path& child : children) {
    if (LocateModel(child.string()).ok()) names.push_back(child.filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace attentiond
