// client/commands/console.h -- where a command reads and writes, and what the terminal can show.
#pragma once

#include <istream>
#include <ostream>
#include <string>

#include "client/render/heat_map.h"

namespace attentiond::client {

/// The streams of a program and what is known of them. Tests make one of string streams.
struct Console {
  std::istream* in = nullptr;
  std::ostream* out = nullptr;
  std::ostream* err = nullptr;
  bool in_is_terminal = false;
  bool err_is_terminal = false;
  int columns = 0;  ///< width of the terminal that `out` is; 0: it is none
  /// What `out` is given: nothing unless it is a terminal, NO_COLOR is unset or empty and TERM is
  /// not "dumb".
  ColorDepth color = ColorDepth::kNone;
  /// What it is given when color is asked for in spite of that.
  ColorDepth forced_color = ColorDepth::k256;
  std::string default_address = "localhost:8001";  ///< or what ATTENTIOND_ADDRESS says
};

/// Standard input, output and error, and the environment.
Console ProcessConsole();

}  // namespace attentiond::client
