// server/main.cc -- the program attentiond: reads its options, serves until a signal, drains.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/command_line.h"
#include "server/logging/logger.h"
#include "server/server.h"
#include "server/shutdown_signals.h"

extern char** environ;  // unistd.h declares it for _GNU_SOURCE alone

namespace attentiond {
namespace {

// sysexits.h calls it EX_USAGE.
constexpr int kWrongCommandLine = 64;
constexpr int kCannotStart = 1;

// Tokens and keys are in memory: no core is written, and no other process of the user may look.
void KeepSecretsInside() {
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
}

int Serve(const ServerOptions& options, ShutdownSignals* signals, Logger* logger) {
  auto server = Server::Start(options, logger);
  if (!server.ok()) {
    logger->Error(absl::StrCat("cannot start: ", server.status().message()));
    return kCannotStart;
  }
  signals->Arm([&server] { (*server)->Reload(); });
  (*server)->SetReady();
  logger->Info("stopping", {{"signal", signals->Wait()}});
  if (!(*server)->Drain()) {
    // A batch cannot be interrupted, and the drain timeout holds for it too.
    logger->Flush();
    std::_Exit(0);
  }
  return 0;
}

int Check(const ServerOptions& options, Logger* logger) {
  const absl::Status status = CheckServer(options, logger);
  if (status.ok()) return 0;
  logger->Error(absl::StrCat("would not start: ", status.message()));
  return kCannotStart;
}

int Main(const std::vector<std::string>& arguments) {
  const auto command_line =
      ParseCommandLine(arguments, ReadEnvironment(environ), ATTENTIOND_VERSION);
  if (!command_line.ok()) {
    const std::string message(command_line.status().message());
    std::fprintf(stderr, "attentiond: %s\n", message.c_str());
    return kWrongCommandLine;
  }
  if (!command_line->print.empty()) {
    std::fputs(command_line->print.c_str(), stdout);
    return 0;
  }
  // A peer that goes away is an error of one write, not the end of the process.
  signal(SIGPIPE, SIG_IGN);
  ShutdownSignals signals;  // before any other thread: they inherit its mask
  const ServerOptions& options = command_line->options;
  if (!options.auth_token_file.empty() || !options.tls_key.empty()) KeepSecretsInside();
  Logger logger({.format = options.log_format, .level = options.log_level});
  for (const std::string& warning : command_line->warnings) logger.Warning(warning);
  return options.check ? Check(options, &logger) : Serve(options, &signals, &logger);
}

}  // namespace
}  // namespace attentiond

int main(int argc, char** argv) { return attentiond::Main({argv + 1, argv + argc}); }
