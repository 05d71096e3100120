#include "client/commands/program.h"

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "client/commands/commands.h"
#include "client/render/escape.h"

namespace attentiond::client {
namespace {

constexpr char kFooter[] =
    R"(Every command explains itself with examples:  attention-client classify --help

Exit codes: 0 done; 1 a call, a file or a check failed; 64 the command line is wrong.)";

// Messages may quote a server or a file: what would steer the terminal is made visible, line by
// line.
std::string PrintableLines(const std::string& message) {
  std::string out;
  size_t begin = 0;
  for (size_t end = message.find('\n'); end != std::string::npos; end = message.find('\n', begin)) {
    absl::StrAppend(&out, Printable(message.substr(begin, end - begin)), "\n");
    begin = end + 1;
  }
  return absl::StrCat(out, Printable(message.substr(begin)));
}

// CLI11's, without the blank lines that it doubles between groups.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override {
    return absl::StrReplaceAll(Formatter::make_help(app, name, mode), {{"\n\n\n", "\n\n"}});
  }
};

int ReportUsage(const Program& program, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) {  // --help, --version
    program.app.exit(error, *program.console->out, *program.console->err);
    return kExitOk;
  }
  const std::vector<CLI::App*> commands = program.app.get_subcommands();
  const std::string command = commands.empty() ? "" : commands.front()->get_name() + " ";
  const std::vector<std::string> rest = program.app.remaining();
  // CLI11 would only say that a sub-command is required.
  const std::string message = commands.empty() && !rest.empty()
                                  ? absl::StrCat("there is no command \"", rest.front(), "\"")
                                  : error.what();
  *program.console->err << "attention-client: " << PrintableLines(message)
                        << "\nSee attention-client " << command << "--help.\n";
  return kExitWrongUsage;
}

}  // namespace

Program::Program(Console* the_console)
    : console(the_console),
      app("Calls an attentiond server: attention, classification, embeddings, translation, "
          "captions, "
          "and load.",
          "attention-client") {
  app.set_version_flag("--version", "attention-client " ATTENTIOND_VERSION, "show the version");
  app.require_subcommand(1);
  app.footer(kFooter);
  app.set_help_flag("-h,--help", "show this help");
  app.formatter(std::make_shared<HelpFormatter>());
  AddConnectionFlags(&app, &connection);
}

CLI::App* Program::AddCommand(const char* name, const char* description, const char* footer) {
  CLI::App* const command = app.add_subcommand(name, description);
  command->footer(footer);
  return command;
}

int RunProgram(const std::vector<std::string>& arguments, Console* console) {
  Program program(console);
  AddAttendCommand(&program);
  AddClassifyCommand(&program);
  AddEmbedCommand(&program);
  AddRerankCommand(&program);
  AddEntitiesCommand(&program);
  AddTranslateCommand(&program);
  AddCaptionCommand(&program);
  AddExplainCommand(&program);
  AddTokenizeCommand(&program);
  AddModelsCommand(&program);
  AddHealthCommand(&program);
  AddBenchCommand(&program);
  // Last, so that a command's help begins with its own flags.
  for (CLI::App* const command : program.app.get_subcommands([](CLI::App*) { return true; })) {
    AddConnectionFlags(command, &program.connection);
  }
  try {
    // CLI11 takes its arguments from the back.
    program.app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    return ReportUsage(program, error);
  }
  absl::Status status = program.run();
  console->out->flush();
  if (status.ok() && !console->out->good()) {
    status = absl::UnavailableError("standard output cannot be written");
  }
  if (status.ok()) return kExitOk;
  *console->err << "attention-client: " << PrintableLines(std::string(status.message())) << "\n";
  return kExitFailed;
}

}  // namespace attentiond::client
