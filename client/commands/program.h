// client/commands/program.h -- the command line as a whole: parse, run, report, exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/commands/console.h"
#include "client/commands/session.h"

namespace attentiond::client {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;       ///< a call, a file or a check failed
inline constexpr int kExitWrongUsage = 64;  ///< EX_USAGE of sysexits.h

/// What the sub-commands share. A command adds itself to `app`; its parse callback checks what
/// belongs together in its flags (throwing CLI::ValidationError) and sets `run`.
struct Program {
  explicit Program(Console* the_console);

  /// A sub-command; `footer` teaches with examples.
  CLI::App* AddCommand(const char* name, const char* description, const char* footer);

  Console* const console;
  CLI::App app;
  ConnectionFlags connection;
  std::function<absl::Status()> run;
};

/// The program with the arguments after its name. Returns the exit code; errors go to console->err.
int RunProgram(const std::vector<std::string>& arguments, Console* console);

}  // namespace attentiond::client
