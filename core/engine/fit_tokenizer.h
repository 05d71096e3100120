// core/engine/fit_tokenizer.h -- a tokenizer beside the model that it is for.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/engine/model.h"

namespace attentiond {

struct TokenizerSizes {
  int64_t vocab_size = 0;
  int64_t model_max_length = 0;  ///< 0: it says none
};

/// Writes into the model's `info` what its tokenizer, from the first of `files` that is in
/// `directory`, changes: that file's name, and the length if it allows less. kInvalidArgument: it
/// has tokens that the model has no embeddings for.
absl::Status FitTokenizer(const std::string& directory, absl::Span<const absl::string_view> files,
                          const TokenizerSizes& sizes, ModelInfo* info);

}  // namespace attentiond
