// core/text/translation/source_tokens.h -- how the tokens of a source text become a model's input.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/text/translation_tokenizer.h"

namespace attentiond {

/// `ids` between `prefix` and `suffix` (neither without options.add_special_tokens), cut to
/// options.max_length if it may be. kInvalidArgument: too long and not to be truncated, or a
/// max_length below those around it alone.
absl::StatusOr<SourceTokens> Surround(std::vector<int32_t> ids, absl::Span<const int32_t> prefix,
                                      absl::Span<const int32_t> suffix,
                                      const EncodeOptions& options);

/// kInvalidArgument: `language`, which the field `name` asks for, is neither "" nor one of
/// `languages`; says which there are.
absl::Status CheckLanguage(absl::string_view name, absl::string_view language,
                           absl::Span<const std::string> languages);

}  // namespace attentiond
