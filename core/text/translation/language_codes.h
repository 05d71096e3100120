// core/text/translation/language_codes.h -- the languages of multilingual checkpoints, in the order
// of their tokens' ids: files without a tokenizer.json do not name them.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace attentiond {

/// "en_XX"
absl::Span<const absl::string_view> MBartLanguages();
absl::Span<const absl::string_view> MBart50Languages();
/// "en"; their tokens are "__en__"
absl::Span<const absl::string_view> M2m100Languages();
absl::Span<const absl::string_view> Wmt21Languages();
/// "eng_Latn"
absl::Span<const absl::string_view> NllbLanguages();

}  // namespace attentiond
