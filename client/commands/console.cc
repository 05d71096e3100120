#include "client/commands/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "absl/strings/string_view.h"

namespace attentiond::client {
namespace {

absl::string_view Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int TerminalColumns(int descriptor) {
  if (isatty(descriptor) == 0) return 0;
  winsize size{};
  // A terminal that does not say is taken for a classic one.
  constexpr int kClassicColumns = 80;
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kClassicColumns;
  return size.ws_col;
}

}  // namespace

Console ProcessConsole() {
  Console console;
  console.in = &std::cin;
  console.out = &std::cout;
  console.err = &std::cerr;
  console.in_is_terminal = isatty(STDIN_FILENO) != 0;
  console.err_is_terminal = isatty(STDERR_FILENO) != 0;
  console.columns = TerminalColumns(STDOUT_FILENO);
  const absl::string_view true_color = Environment("COLORTERM");
  if (true_color == "truecolor" || true_color == "24bit") {
    console.forced_color = ColorDepth::kTrueColor;
  }
  const bool wanted = Environment("NO_COLOR").empty() && Environment("TERM") != "dumb";
  if (console.columns > 0 && wanted) console.color = console.forced_color;
  if (!Environment("ATTENTIOND_ADDRESS").empty()) {
    console.default_address = std::string(Environment("ATTENTIOND_ADDRESS"));
  }
  return console;
}

}  // namespace attentiond::client
