#include "client/tensor_file.h"

#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/npy.h"
#include "core/base/status_macros.h"
#include "core/weights/safetensors.h"

namespace attentiond::client {
namespace {

constexpr absl::string_view kSafetensors = ".safetensors";

absl::StatusOr<Tensor> ReadSafetensors(const std::string& path, const std::string& name) {
  ASSIGN_OR_RETURN(const std::unique_ptr<SafetensorsFile> file, SafetensorsFile::Open(path));
  const auto found = file->tensors().find(name);
  if (found == file->tensors().end()) {
    std::vector<std::string> names;
    for (const auto& [other, view] : file->tensors()) names.push_back(other);
    constexpr size_t kShownNames = 20;
    const bool more = names.size() > kShownNames;
    if (more) names.resize(kShownNames);
    return absl::NotFoundError(absl::StrCat(path, ": has no tensor \"", name, "\"; there are: ",
                                            absl::StrJoin(names, ", "), more ? ", ..." : ""));
  }
  const TensorView& view = found->second;
  Tensor tensor(view.dtype, view.shape);
  if (view.num_bytes() > 0) std::memcpy(tensor.mutable_view().data, view.data, view.num_bytes());
  return tensor;
}

}  // namespace

absl::StatusOr<Tensor> ReadTensorFile(const std::string& place, const std::string& name) {
  if (absl::EndsWith(place, ".npy")) return ReadNpy(place);
  if (absl::EndsWith(place, kSafetensors)) return ReadSafetensors(place, name);
  const size_t colon = place.rfind(absl::StrCat(kSafetensors, ":"));
  if (colon != std::string::npos) {
    const size_t path_end = colon + kSafetensors.size();
    return ReadSafetensors(place.substr(0, path_end), place.substr(path_end + 1));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      place, ": required a file that ends in .npy or .safetensors (or .safetensors:NAME)"));
}

}  // namespace attentiond::client
