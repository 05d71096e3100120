// server/repository/repository_watch.h -- follows a model repository's folder: loads what is new or
// changed, unloads what has gone.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/repository/model_repository.h"

namespace attentiond {

/// A model is what LocateModel() finds of it: a checkpoint in its folder, or the newest version in
/// sub-folders named by numbers. A folder counts as changed when a file's name, size or time did,
/// and is loaded when it stays as it is from one look to the next, so that one that is being copied
/// is left alone. What cannot be loaded is not tried again until it changes; the version before it
/// serves on.
///
/// Threads: one at a time.
class RepositoryWatch {
 public:
  /// Told what was done: (name, "loaded" or "unloaded", its status).
  using Listener =
      std::function<void(const std::string& name, absl::string_view what, const absl::Status&)>;

  /// What is there now counts as loaded. `repository` is borrowed.
  RepositoryWatch(const std::string& directory, ModelRepository* repository, Listener listener);

  void Look();

 private:
  // What tells one state of a folder from another; empty: there is no model.
  using Fingerprint = std::string;
  std::map<std::string, Fingerprint> Fingerprints() const;
  void Load(const std::string& name);
  void Unload(const std::string& name);

  const std::string directory_;
  ModelRepository* const repository_;
  const Listener listener_;
  std::map<std::string, Fingerprint> tried_;  // by model: what was loaded, or could not be
  std::map<std::string, Fingerprint> seen_;   // at the last look
};

}  // namespace attentiond
