// client/commands/classify_images.h -- attention-client classify --image: labels of pictures.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/commands/program.h"

namespace attentiond::client {

struct ImageFlags {
  std::string model, model_version;
  std::vector<std::string> files;
  int top = 1;  ///< labels of each; 0: all
  bool json = false;
};

/// Prints the labels of each file, in order. Several are sent in a request, few enough that they
/// are at most 8 MiB or one file. Errors name the file.
absl::Status ClassifyImages(const ImageFlags& flags, const Program& program);

}  // namespace attentiond::client
