// core/weights/checkpoint.h -- a downloaded checkpoint's directory: its config and its tensors by
// name.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/weights/json_file.h"
#include "core/weights/safetensors.h"

namespace attentiond {

/// config.json and model.safetensors, or the shards that model.safetensors.index.json names.
/// Threads: immutable.
class Checkpoint {
 public:
  /// kNotFound: no directory, no config.json or no weights (a directory with only pytorch_model.bin
  /// says how to convert). kInvalidArgument: a broken file; the message starts with its path.
  /// Shards stay inside the directory, symbolic links included (the Hugging Face cache's links
  /// from snapshots/<revision> to its blobs are followed); index and shards name the same tensors.
  static absl::StatusOr<std::unique_ptr<Checkpoint>> Open(const std::string& directory);

  const std::string& directory() const { return directory_; }
  const nlohmann::json& config() const { return config_; }

  bool Has(const std::string& name) const { return tensors_.contains(name); }
  /// kInvalidArgument when the tensor is missing, has another shape, or is not f32, f16 or bf16;
  /// names all of it.
  absl::StatusOr<TensorView> Get(const std::string& name, const Shape& shape) const;
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }

 private:
  std::string directory_;
  nlohmann::json config_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::map<std::string, TensorView> tensors_;
};

}  // namespace attentiond
