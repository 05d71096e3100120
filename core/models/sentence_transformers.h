// core/models/sentence_transformers.h -- what the sentence-transformers library writes beside an
// encoder's checkpoint: how its embeddings are made.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/models/pooling.h"
#include "core/tensor/activation_kind.h"

namespace attentiond {

/// A linear layer behind the pooling: <path>/model.safetensors has linear.weight and linear.bias.
struct DenseModuleConfig {
  std::string path;  ///< directory of its files
  int64_t inputs = 0, outputs = 0;
  bool has_bias = true;
  Activation activation = Activation::kNone;
};

struct SentenceTransformersConfig {
  std::vector<PoolingMode> pooling = {PoolingMode::kMean};  ///< concatenated in this order
  std::vector<DenseModuleConfig> dense;
  int64_t max_length = 0;  ///< tokens that the embeddings were made for; 0: not said
  std::map<std::string, std::string> prompts;  ///< texts by name, to be put before a text
  std::string default_prompt;                  ///< name of the one that is used unless asked; or ""
};

/// Reads modules.json and the modules' configurations, or 1_Pooling alone;
/// sentence_bert_config.json and config_sentence_transformers.json of `directory`, where they are
/// there.
///   kInvalidArgument  a broken file, or vectors of another size than the encoder or the module
///                     before makes
///   kUnimplemented    a kind of module, pooling or activation that is not supported
absl::StatusOr<SentenceTransformersConfig> ReadSentenceTransformersConfig(
    const std::string& directory, int64_t hidden_size);

}  // namespace attentiond
