#include "client/render/terminal_style.h"

#include "absl/strings/str_format.h"

namespace attentiond::client {

std::string Colored(absl::string_view text, Rgb background, ColorDepth depth) {
  if (depth == ColorDepth::kNone) return std::string(text);
  const Rgb foreground = TextColorOn(background);
  if (depth == ColorDepth::kTrueColor) {
    return absl::StrFormat("\x1b[48;2;%d;%d;%dm\x1b[38;2;%d;%d;%dm%s\x1b[0m", background.red,
                           background.green, background.blue, foreground.red, foreground.green,
                           foreground.blue, text);
  }
  return absl::StrFormat("\x1b[48;5;%dm\x1b[38;5;%dm%s\x1b[0m", NearestAnsi256(background),
                         NearestAnsi256(foreground), text);
}

}  // namespace attentiond::client
