// server/command_line.h -- the command line and the environment, read into ServerOptions.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/options.h"

namespace attentiond {

struct CommandLine {
  ServerOptions options;
  std::string print;                  ///< --help or --version was asked for: print this, exit 0
  std::vector<std::string> warnings;  ///< for the log
};

/// The environment's variables whose names start with ATTENTIOND_.
using Environment = std::map<std::string, std::string>;
/// From the C library's `environ`.
Environment ReadEnvironment(const char* const* variables);

/// `arguments` without the program's name. A flag wins over its variable; an empty variable counts
/// as not set. kInvalidArgument: one line that names each flag that is wrong and its mend; the
/// options have then been through Validate() too.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments,
                                             const Environment& environment,
                                             const std::string& version);

/// The known flag nearest to a mistyped one, or "" when none is near.
std::string NearestFlag(const std::string& mistyped);

}  // namespace attentiond
