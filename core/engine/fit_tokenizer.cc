// core/engine/fit_tokenizer.cc -- sizes against each other, and which file it was.
#include "core/engine/fit_tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace attentiond {

absl::Status FitTokenizer(const std::string& directory, absl::Span<const absl::string_view> files,
                          const TokenizerSizes& sizes, ModelInfo* info) {
  if (sizes.vocab_size > info->vocab_size) {
    return absl::InvalidArgumentError(
        absl::StrCat(directory, ": the tokenizer's vocabulary has ", sizes.vocab_size,
                     " tokens, at most \"vocab_size\" ", info->vocab_size,
                     " of config.json (the rows of the embedding table) are allowed"));
  }
  if (sizes.model_max_length > 0) {
    info->max_length = std::min(info->max_length, sizes.model_max_length);
  }
  for (const absl::string_view file : files) {
    std::error_code error;
    if (!std::filesystem::exists(absl::StrCat(directory, "/", file), error)) continue;
    info->tokenizer = std::string(file);
    break;
  }
  return absl::OkStatus();
}

}  // namespace attentiond
