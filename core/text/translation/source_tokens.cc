#include "core/text/translation/source_tokens.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/weights/quoted.h"

namespace attentiond {

absl::StatusOr<SourceTokens> Surround(std::vector<int32_t> ids, absl::Span<const int32_t> prefix,
                                      absl::Span<const int32_t> suffix,
                                      const EncodeOptions& options) {
  if (!options.add_special_tokens) prefix = suffix = {};
  const auto num_added = static_cast<int64_t>(prefix.size() + suffix.size());
  if (options.max_length < 0 || (options.max_length > 0 && options.max_length < num_added)) {
    return absl::InvalidArgumentError(absl::StrCat("max_length is ", options.max_length,
                                                   ", at least ", num_added,
                                                   " is required, for the special tokens"));
  }
  SourceTokens source;
  const auto num_found = static_cast<int64_t>(ids.size());
  const int64_t surplus = options.max_length == 0
                              ? 0
                              : std::max<int64_t>(0, num_found + num_added - options.max_length);
  if (surplus > 0 && !options.truncate) {
    return absl::InvalidArgumentError(absl::StrCat("the text has ", num_found + num_added,
                                                   " tokens, at most ", options.max_length,
                                                   " are allowed; truncate cuts it to that"));
  }
  const bool left = options.truncation_side == TruncationSide::kLeft;
  source.ids.assign(prefix.begin(), prefix.end());
  source.ids.insert(source.ids.end(), ids.begin() + (left ? surplus : 0),
                    ids.end() - (left ? 0 : surplus));
  source.ids.insert(source.ids.end(), suffix.begin(), suffix.end());
  source.truncated_tokens = surplus;
  return source;
}

absl::Status CheckLanguage(absl::string_view name, absl::string_view language,
                           absl::Span<const std::string> languages) {
  if (language.empty() ||
      std::find(languages.begin(), languages.end(), language) != languages.end()) {
    return absl::OkStatus();
  }
  if (languages.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is ", Quoted(language),
                                                   ", but this model has no choice of languages"));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      name, " is ", Quoted(language), ", this model has ", absl::StrJoin(languages, ", ")));
}

}  // namespace attentiond
