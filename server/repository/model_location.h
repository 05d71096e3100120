// server/repository/model_location.h -- from a model's name to the directory of its newest version.
//
// Two layouts: a plain checkpoint (DIR/config.json), which is version "1", and numbered versions
// (DIR/7/config.json), of which the largest number wins.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace attentiond {

/// kInvalidArgument unless `name` can be a model's name: 1 to 128 printable ASCII characters, no
/// slash or backslash, no "..", not ".".
absl::Status CheckModelName(absl::string_view name);

struct ModelLocation {
  std::string directory;  ///< the one that holds config.json
  std::string version;    ///< decimal
};

/// The newest version in `directory`. kNotFound: no such directory, or no config.json in it.
absl::StatusOr<ModelLocation> LocateModel(const std::string& directory);

/// The same for the sub-folder `name` of a repository. kInvalidArgument: not a plain name, or a
/// symbolic link (the folder, or what is in the version's directory) leads out of `repository`.
absl::StatusOr<ModelLocation> LocateModelIn(const std::string& repository, const std::string& name);

/// The sub-folders of `repository` that hold a model in either layout, by name, sorted; links that
/// lead out are among them. kNotFound: cannot be read.
absl::StatusOr<std::vector<std::string>> ListModels(const std::string& repository);

}  // namespace attentiond
