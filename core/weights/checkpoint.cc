#include "core/weights/checkpoint.h"

#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/weights/quoted.h"

namespace attentiond {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr char kWeights[] = "model.safetensors";
constexpr char kIndex[] = "model.safetensors.index.json";
constexpr size_t kMaxShards = 4096;

std::string PathIn(const std::string& directory, absl::string_view name) {
  return absl::StrCat(directory, "/", name);
}

bool Exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

absl::Status NoWeights(const std::string& directory) {
  if (Exists(PathIn(directory, "pytorch_model.bin")) ||
      Exists(PathIn(directory, "pytorch_model.bin.index.json"))) {
    return absl::NotFoundError(absl::StrCat(
        directory, ": no ", kWeights, ", only pytorch_model.bin: convert it once, with ",
        "transformers' model.save_pretrained(directory, safe_serialization=True)"));
  }
  return absl::NotFoundError(absl::StrCat(directory, ": no ", kWeights, " and no ", kIndex));
}

bool IsInside(const fs::path& directory, const fs::path& path) {
  const fs::path relative = path.lexically_relative(directory);
  return !relative.empty() && *relative.begin() != "..";
}

// The index's author must not choose what is read outside the directory. A symbolic link may lead
// to a file of the same directory, or, in the layout of the Hugging Face cache, from
// <repository>/snapshots/<revision> to <repository>/blobs.
absl::Status CheckShard(const std::string& directory, const std::string& shard) {
  const auto wrong = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(PathIn(directory, kIndex), ": shard ", Quoted(shard), " ", what));
  };
  if (shard.empty() || shard == "." || shard == ".." ||
      shard.find_first_of(std::string("/\\\0", 3)) != std::string::npos) {
    return wrong("is not a plain file name");
  }
  std::error_code error;
  const fs::path home = fs::canonical(directory, error);
  if (error) return wrong("cannot be resolved");
  const fs::path target = fs::weakly_canonical(fs::path(PathIn(directory, shard)), error);
  if (error) return wrong("cannot be resolved");
  const bool in_cache = home.parent_path().filename() == "snapshots";
  if (IsInside(home, target) ||
      (in_cache && IsInside(home.parent_path().parent_path() / "blobs", target))) {
    return absl::OkStatus();
  }
  return wrong("is a symbolic link that leaves the directory");
}

// Tensor name -> shard name.
absl::StatusOr<std::map<std::string, std::string>> ReadIndex(const std::string& directory) {
  const std::string path = PathIn(directory, kIndex);
  ASSIGN_OR_RETURN(const json index, ReadJsonFile(path));
  const auto weight_map = index.find("weight_map");
  if (weight_map == index.end() || !weight_map->is_object() || weight_map->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": \"weight_map\" is not an object that names a tensor"));
  }
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, shard] : weight_map->items()) {
    if (!shard.is_string()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": the shard of tensor ", Quoted(tensor), " is not a string"));
    }
    shards.emplace(tensor, shard.get_ref<const std::string&>());
  }
  return shards;
}

// Moves the shard's tensors into `tensors`; each must be where the index says.
absl::Status TakeTensors(const SafetensorsFile& file, const std::string& shard,
                         const std::map<std::string, std::string>& index,
                         std::map<std::string, TensorView>* tensors) {
  for (const auto& [name, view] : file.tensors()) {
    const auto expected = index.find(name);
    if (expected == index.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(file.path(), ": tensor ", Quoted(name), " is not in ", kIndex));
    }
    if (expected->second != shard) {
      return absl::InvalidArgumentError(absl::StrCat(file.path(), ": tensor ", Quoted(name),
                                                     " is in ", Quoted(expected->second), " too"));
    }
    tensors->emplace(name, view);
  }
  return absl::OkStatus();
}

absl::Status CheckComplete(const std::string& directory,
                           const std::map<std::string, std::string>& index,
                           const std::map<std::string, TensorView>& tensors) {
  for (const auto& [name, shard] : index) {
    if (!tensors.contains(name)) {
      return absl::InvalidArgumentError(absl::StrCat(PathIn(directory, shard), ": tensor ",
                                                     Quoted(name), " is missing, ", kIndex,
                                                     " places it there"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Checkpoint>> Checkpoint::Open(const std::string& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return absl::NotFoundError(absl::StrCat(directory, ": no such directory"));
  }
  auto checkpoint = std::make_unique<Checkpoint>();
  checkpoint->directory_ = directory;
  ASSIGN_OR_RETURN(checkpoint->config_, ReadJsonFile(PathIn(directory, "config.json")));

  const std::string single = PathIn(directory, kWeights);
  if (Exists(single)) {
    ASSIGN_OR_RETURN(auto file, SafetensorsFile::Open(single));
    checkpoint->tensors_ = file->tensors();
    checkpoint->files_.push_back(std::move(file));
    return checkpoint;
  }
  if (!Exists(PathIn(directory, kIndex))) return NoWeights(directory);

  ASSIGN_OR_RETURN(const auto index, ReadIndex(directory));
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : index) shards.insert(shard);
  if (shards.size() > kMaxShards) {
    return absl::InvalidArgumentError(absl::StrCat(PathIn(directory, kIndex), ": names ",
                                                   shards.size(), " shards, at most ", kMaxShards,
                                                   " are allowed"));
  }
  for (const std::string& shard : shards) {
    RETURN_IF_ERROR(CheckShard(directory, shard));
    ASSIGN_OR_RETURN(auto file, SafetensorsFile::Open(PathIn(directory, shard)));
    RETURN_IF_ERROR(TakeTensors(*file, shard, index, &checkpoint->tensors_));
    checkpoint->files_.push_back(std::move(file));
  }
  RETURN_IF_ERROR(CheckComplete(directory, index, checkpoint->tensors_));
  return checkpoint;
}

absl::StatusOr<TensorView> Checkpoint::Get(const std::string& name, const Shape& shape) const {
  const auto wrong = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(directory_, ": tensor ", Quoted(name), " ", shape.ToString(), " ", what));
  };
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) return wrong("is required, there is none of that name");
  const TensorView& view = found->second;
  if (!(view.shape == shape)) {
    return wrong(absl::StrCat("is required, it has shape ", view.shape.ToString()));
  }
  if (view.dtype != DType::kF32 && view.dtype != DType::kF16 && view.dtype != DType::kBF16) {
    return wrong(absl::StrCat("is ", Name(view.dtype), ", f32, f16 or bf16 is required"));
  }
  return view;
}

}  // namespace attentiond
