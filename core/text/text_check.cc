#include "core/text/text_check.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "core/text/tokenizer.h"
#include "core/text/unicode.h"

namespace attentiond {

absl::Status CheckText(absl::string_view text, absl::string_view name) {
  if (static_cast<int64_t>(text.size()) > Tokenizer::kMaxTextBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the ", name, " has ", text.size(),
                                                   " bytes, at most ", Tokenizer::kMaxTextBytes,
                                                   " are allowed"));
  }
  if (const std::optional<size_t> byte = FindInvalidUtf8(text)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the ", name, " is not valid UTF-8 at byte ", *byte));
  }
  return absl::OkStatus();
}

}  // namespace attentiond
