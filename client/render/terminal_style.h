// client/render/terminal_style.h -- what a terminal can show, and text on a colour for it.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "client/render/color_map.h"

namespace attentiond::client {

enum class ColorDepth { kNone, k256, kTrueColor };

struct TerminalStyle {
  ColorDepth color = ColorDepth::kNone;
  int columns = 0;  ///< width of the terminal; 0: unlimited
};

/// `text` (see Printable()) on `background`, in black or white; as it is for kNone.
std::string Colored(absl::string_view text, Rgb background, ColorDepth depth);

}  // namespace attentiond::client
