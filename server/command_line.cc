#include "server/command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <deque>
#include <numeric>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "server/flag_table.h"

namespace attentiond {
namespace {

constexpr char kPrefix[] = "ATTENTIOND_";

// The width of --help, and of its first column.
constexpr size_t kHelpColumns = 96;
constexpr size_t kFlagColumns = 30;

constexpr char kDescription[] =
    "attentiond serves attention and transformer models over gRPC: sentiment, embeddings and raw\n"
    "attention, batched without padding, on the processor.\n";

constexpr char kFooter[] =
    "Examples:\n"
    "  attentiond --model sentiment=models/demo-sentiment\n"
    "  attentiond --model-repository /models --dtype f32 --max-queue-delay 2ms\n"
    "  attentiond --model sentiment=/models/sentiment --check\n"
    "  ATTENTIOND_MODEL=a=/models/a,b=/models/b ATTENTIOND_LOG_FORMAT=json attentiond\n"
    "\n"
    "Every flag is also a variable: ATTENTIOND_ and its name in capitals, with _ for -; a flag\n"
    "wins. DURATION is 30s, 5ms, 1m30s or seconds as a plain number. SIZE is 64MiB, 1GiB or a\n"
    "number of bytes.\n"
    "\n"
    "Exit codes: 0 after SIGTERM or SIGINT, --check, --help and --version; 1 when it cannot "
    "start;\n"
    "64 when the command line is wrong.";

/// The texts that one flag was given on the command line; "true" for a bare switch.
struct GivenFlag {
  const Flag* flag;
  std::vector<std::string> texts;
};

absl::Status Mistake(absl::string_view where, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
}

/// Breaks a paragraph into lines of at most `width`.
std::string Wrap(absl::string_view paragraph, size_t width) {
  std::string lines;
  size_t column = 0;
  for (const absl::string_view word : absl::StrSplit(paragraph, ' ')) {
    const bool fits = column == 0 || column + 1 + word.size() <= width;
    if (column > 0) lines.push_back(fits ? ' ' : '\n');
    column = fits && column > 0 ? column + 1 + word.size() : word.size();
    lines.append(word.data(), word.size());
  }
  return lines;
}

void AddFlag(GivenFlag* given, CLI::App* app) {
  const Flag& flag = *given->flag;
  const std::string standard = flag.show(ServerOptions());
  std::string help = Wrap(flag.help, kHelpColumns - kFlagColumns);
  if (flag.value.empty()) {
    app->add_flag(flag.name, given->texts, help)->group(flag.group);
  } else {
    absl::StrAppend(&help, "\nDefault: ", standard.empty() ? "none" : standard, ".");
    app->add_option(flag.name, given->texts, help)
        ->group(flag.group)
        ->option_text(flag.value)
        ->allow_extra_args(false);
  }
}

absl::Status SetFromFlag(const GivenFlag& given, ServerOptions* options) {
  const Flag& flag = *given.flag;
  if (given.texts.size() > 1 && !flag.repeatable) return Mistake(flag.name, "given twice");
  for (const std::string& text : given.texts) {
    if (const absl::Status status = flag.set(text, options); !status.ok()) {
      return Mistake(flag.name, status.message());
    }
  }
  return absl::OkStatus();
}

absl::Status SetFromEnvironment(const Flag& flag, const std::string& value,
                                ServerOptions* options) {
  std::vector<std::string> texts = {value};
  if (flag.repeatable) texts = absl::StrSplit(value, ',', absl::SkipEmpty());
  for (const std::string& text : texts) {
    if (const absl::Status status = flag.set(text, options); !status.ok()) {
      return Mistake(flag.EnvironmentName(), status.message());
    }
  }
  return absl::OkStatus();
}

/// Kubernetes sets NAME_SERVICE_HOST, NAME_PORT_8001_TCP and the like for a service called
/// attentiond-...
bool IsKubernetesServiceVariable(absl::string_view name) {
  return absl::EndsWith(name, "_SERVICE_HOST") || absl::StrContains(name, "_SERVICE_PORT") ||
         absl::EndsWith(name, "_PORT") || absl::StrContains(name, "_PORT_");
}

std::vector<std::string> UnknownVariables(const Environment& environment) {
  std::vector<std::string> warnings;
  for (const auto& [name, value] : environment) {
    const bool known =
        std::any_of(FlagTable().begin(), FlagTable().end(),
                    [&name = name](const Flag& flag) { return flag.EnvironmentName() == name; });
    if (known || IsKubernetesServiceVariable(name)) continue;
    warnings.push_back(absl::StrCat("the environment variable ", name, " means nothing here"));
  }
  return warnings;
}

absl::Status UnknownArgument(const std::string& argument) {
  if (!absl::StartsWith(argument, "-")) {
    return absl::InvalidArgumentError(
        absl::StrCat("unexpected argument \"", argument,
                     "\"; models are given as --model NAME=DIR, and --help lists the flags"));
  }
  const std::string name = argument.substr(0, argument.find('='));
  const std::string nearest = NearestFlag(name);
  return absl::InvalidArgumentError(
      absl::StrCat("unknown flag ", name, "; ",
                   nearest.empty() ? "--help lists the flags" : "did you mean " + nearest + "?"));
}

/// Runs CLI11 over `arguments`; a text to print (help, version), or nullopt.
absl::StatusOr<std::optional<std::string>> RunParser(CLI::App* app,
                                                     std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app->parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    // The formatter leaves two empty lines between groups.
    return absl::StrReplaceAll(app->help(), {{"\n\n\n", "\n\n"}});
  } catch (const CLI::CallForVersion& version) {
    return absl::StrCat(version.what(), "\n");
  } catch (const CLI::ArgumentMismatch& error) {
    // "--threads: 1 required TEXT missing"
    const absl::string_view message = error.what();
    return absl::InvalidArgumentError(
        absl::StrCat(message.substr(0, message.find(':')), " needs a value"));
  } catch (const CLI::Error& error) {
    return absl::InvalidArgumentError(error.what());
  }
  if (const std::vector<std::string> unknown = app->remaining(); !unknown.empty()) {
    return UnknownArgument(unknown.front());
  }
  return std::nullopt;
}

/// Insertions, deletions and replacements that turn `a` into `b`.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
    }
  }
  return row.back();
}

}  // namespace

Environment ReadEnvironment(const char* const* variables) {
  Environment environment;
  for (; variables != nullptr && *variables != nullptr; ++variables) {
    const absl::string_view variable = *variables;
    const size_t equals = variable.find('=');
    if (equals == absl::string_view::npos || !absl::StartsWith(variable, kPrefix)) continue;
    environment.emplace(variable.substr(0, equals), variable.substr(equals + 1));
  }
  return environment;
}

std::string NearestFlag(const std::string& mistyped) {
  // More than a third of wrong letters is another word.
  size_t best_distance = mistyped.size() / 3 + 1;
  std::string nearest;
  for (const Flag& flag : FlagTable()) {
    const size_t distance = EditDistance(mistyped, flag.name);
    if (distance < best_distance) {
      best_distance = distance;
      nearest = flag.name;
    }
  }
  return nearest;
}

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& arguments,
                                             const Environment& environment,
                                             const std::string& version) {
  CLI::App app(kDescription, "attentiond");
  app.footer(kFooter);
  app.allow_extras();
  app.get_formatter()->column_width(kFlagColumns);
  std::deque<GivenFlag> given;  // CLI11 keeps pointers into it
  for (const Flag& flag : FlagTable()) AddFlag(&given.emplace_back(GivenFlag{&flag, {}}), &app);
  app.set_help_flag("-h,--help", "Print this and exit.")->group("Running");
  app.set_version_flag("--version", "attentiond " + version, "Print the version and exit.")
      ->group("Running");

  CommandLine command_line;
  ASSIGN_OR_RETURN(const std::optional<std::string> print, RunParser(&app, arguments));
  if (print.has_value()) {
    command_line.print = *print;
    return command_line;
  }
  for (const GivenFlag& flag : given) {
    const auto variable = environment.find(flag.flag->EnvironmentName());
    if (!flag.texts.empty()) {
      RETURN_IF_ERROR(SetFromFlag(flag, &command_line.options));
    } else if (variable != environment.end() && !variable->second.empty()) {
      RETURN_IF_ERROR(SetFromEnvironment(*flag.flag, variable->second, &command_line.options));
    }
  }
  command_line.warnings = UnknownVariables(environment);
  if (const auto problems = Validate(command_line.options); !problems.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(problems, "; "));
  }
  return command_line;
}

}  // namespace attentiond
