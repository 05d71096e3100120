// core/text/text_check.h -- what every tokenizer requires of a text.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace attentiond {

/// kInvalidArgument: longer than Tokenizer::kMaxTextBytes, or not valid UTF-8 (names the byte).
/// `name` is what messages call it.
absl::Status CheckText(absl::string_view text, absl::string_view name);

}  // namespace attentiond
