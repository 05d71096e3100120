// client/render/escape.h -- makes text from outside safe to print, and safe inside HTML and SVG.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace attentiond::client {

/// Text that cannot steer a terminal or reorder what stands beside it: C0 controls and DEL become
/// their pictures (U+2400...), C1 controls, line and paragraph separators, bidirectional controls
/// and bytes that are not UTF-8 become U+FFFD. Everything else stays. The result is valid UTF-8.
std::string Printable(absl::string_view text);

/// Printable(), with & < > " ' as character references: for element content and quoted attributes
/// of HTML and XML.
std::string EscapeMarkup(absl::string_view text);

}  // namespace attentiond::client
