#include "server/repository/repository_watch.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/repository/model_location.h"

namespace attentiond {
namespace {

// Links are followed: Kubernetes and deployments by link swap what a name leads to.
std::string DescribeFile(const std::filesystem::path& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return absl::StrCat(path.filename().string(), " gone");
  return absl::StrCat(path.filename().string(), " ", file.st_dev, " ", file.st_ino, " ",
                      file.st_size, " ", file.st_mtim.tv_sec, ".", file.st_mtim.tv_nsec);
}

std::string DescribeFolder(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    files.push_back(DescribeFile(entry->path()));
  }
  std::sort(files.begin(), files.end());
  return absl::StrJoin(files, "\n");
}

}  // namespace

RepositoryWatch::RepositoryWatch(const std::string& directory, ModelRepository* repository,
                                 Listener listener)
    : directory_(directory), repository_(repository), listener_(std::move(listener)) {
  seen_ = tried_ = Fingerprints();
}

std::map<std::string, RepositoryWatch::Fingerprint> RepositoryWatch::Fingerprints() const {
  std::map<std::string, Fingerprint> fingerprints;
  const auto names = ListModels(directory_);
  // A repository that cannot be read for a moment, such as a mount that comes and goes, is no order
  // to unload everything.
  if (!names.ok()) return seen_;
  for (const std::string& name : *names) {
    const auto location = LocateModelIn(directory_, name);
    if (!location.ok()) continue;
    fingerprints[name] =
        absl::StrCat(location->version, "\n", DescribeFolder(location->directory));
  }
  return fingerprints;
}

void RepositoryWatch::Look() {
  std::map<std::string, Fingerprint> now = Fingerprints();
  for (const auto& [name, fingerprint] : now) {
    const bool is_still = seen_[name] == fingerprint;
    if (!is_still || tried_[name] == fingerprint) continue;
    tried_[name] = fingerprint;
    Load(name);
  }
  for (auto tried = tried_.begin(); tried != tried_.end();) {
    const bool has_gone = !now.contains(tried->first) && !seen_.contains(tried->first);
    if (has_gone) Unload(tried->first);
    tried = has_gone ? tried_.erase(tried) : std::next(tried);
  }
  seen_ = std::move(now);
}

void RepositoryWatch::Load(const std::string& name) {
  listener_(name, "loaded", repository_->Load(name));
}

void RepositoryWatch::Unload(const std::string& name) {
  const absl::Status status = repository_->Unload(name);
  // It may never have been loaded, or have been unloaded over gRPC.
  if (!absl::IsNotFound(status)) listener_(name, "unloaded", status);
}

}  // namespace attentiond
