// client/render/display_width.h -- how many terminal columns a text takes, and cutting it to fit.
//
// Source: Unicode Standard Annex 11 (East Asian Width: wide and full-width take two columns) and
// Annex 29 (a user-perceived character is one cluster).
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace attentiond::client {

/// Columns of `text` (valid UTF-8 without control characters, see Printable()): combining marks and
/// joiners take none, wide characters and emoji two. An emoji sequence counts as one emoji.
int DisplayWidth(absl::string_view text);

/// `text`, or its longest start of whole user-perceived characters and "…", so that it takes at
/// most `columns`. Empty when columns < 1.
std::string TruncateToWidth(absl::string_view text, int columns);

enum class Align { kLeft, kRight, kCenter };

/// Truncates to `columns` or fills up with spaces, so that it takes exactly `columns`.
std::string FitToWidth(absl::string_view text, int columns, Align align);

}  // namespace attentiond::client
