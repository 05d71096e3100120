// core/models/sentence_transformers.h -- what the sentence-transformers library writes beside an
// encoder's checkpoint: how its embeddings are made.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "core/models/pooling.h"

namespace attentiond {

struct SentenceTransformersConfig {
  Pooling pooling = Pooling::kMean;
  int64_t max_length = 0;  ///< tokens that the embeddings were made for; 0: not said
};

/// Reads 1_Pooling/config.json and sentence_bert_config.json of `directory`, where they are there.
///   kInvalidArgument  a broken file, or a pooling of vectors of another size
///   kUnimplemented    a pooling other than mean or cls, several at once, or a Dense module behind
absl::StatusOr<SentenceTransformersConfig> ReadSentenceTransformersConfig(
    const std::string& directory, int64_t hidden_size);

}  // namespace attentiond
