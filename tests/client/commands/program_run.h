// tests/client/commands/program_run.h -- one run of attention-client with streams of strings.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "client/commands/program.h"

namespace attentiond::client {

struct ProgramRun {
  int exit_code = -1;
  std::string out, err;
};

/// Runs with `input` as standard input; `address` is the default server.
inline ProgramRun RunWith(const std::string& address, const std::vector<std::string>& arguments,
                          const std::string& input = "", int columns = 0,
                          ColorDepth color = ColorDepth::kNone) {
  std::istringstream in(input);
  std::ostringstream out, err;
  Console console;
  console.in = &in;
  console.out = &out;
  console.err = &err;
  console.columns = columns;
  console.color = color;
  console.default_address = address;
  ProgramRun run;
  run.exit_code = RunProgram(arguments, &console);
  run.out = out.str();
  run.err = err.str();
  return run;
}

}  // namespace attentiond::client
