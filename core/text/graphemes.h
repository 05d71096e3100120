// core/text/graphemes.h -- what a reader takes for one character: a letter with its marks, a flag.
#pragma once

#include <functional>

#include "absl/strings/string_view.h"

namespace attentiond {

/// Calls `found` with the extended grapheme clusters of well-formed UTF-8, one after the other.
void ForEachGrapheme(absl::string_view text, const std::function<void(absl::string_view)>& found);

}  // namespace attentiond
