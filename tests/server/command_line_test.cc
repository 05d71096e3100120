#include "server/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/flag_table.h"

namespace attentiond {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

using Arguments = std::vector<std::string>;

absl::StatusOr<CommandLine> Parse(const Arguments& arguments, const Environment& environment = {}) {
  return ParseCommandLine(arguments, environment, "1.2.3");
}

std::string ErrorOf(const Arguments& arguments, const Environment& environment = {}) {
  const auto command_line = Parse(arguments, environment);
  EXPECT_EQ(command_line.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string message(command_line.status().message());
  EXPECT_THAT(message, testing::Not(HasSubstr("\n"))) << "one line";
  return message;
}

const Flag& FlagNamed(const std::string& name) {
  for (const Flag& flag : FlagTable()) {
    if (flag.name == name) return flag;
  }
  ADD_FAILURE() << name << " is not a flag";
  return FlagTable().front();
}

TEST(CommandLineTest, NothingGivenIsTheDefaults) {
  const auto command_line = Parse({});
  ASSERT_TRUE(command_line.ok()) << command_line.status();
  for (const Flag& flag : FlagTable()) {
    EXPECT_EQ(flag.show(command_line->options), flag.show(ServerOptions())) << flag.name;
  }
  EXPECT_EQ(command_line->print, "");
  EXPECT_THAT(command_line->warnings, IsEmpty());
}

/// A flag, a value for it, another one, and how the first is shown.
struct FlagCase {
  std::string flag, value, other, shown;
};

// What other flags are valid only with.
const Environment kCompanions = {{"ATTENTIOND_TLS_CERT", "c"},
                                 {"ATTENTIOND_TLS_KEY", "k"},
                                 {"ATTENTIOND_MODEL_REPOSITORY", "/r"}};

class FlagTest : public testing::TestWithParam<FlagCase> {};

TEST_P(FlagTest, IsReadFromTheCommandLine) {
  const FlagCase& c = GetParam();
  for (Arguments arguments : {Arguments{c.flag, c.value}, Arguments{c.flag + "=" + c.value}}) {
    const bool is_switch = FlagNamed(c.flag).value.empty();
    if (is_switch && arguments.size() == 2) arguments.pop_back();
    const auto command_line = Parse(arguments, kCompanions);
    ASSERT_TRUE(command_line.ok()) << command_line.status();
    EXPECT_EQ(FlagNamed(c.flag).show(command_line->options), c.shown);
    EXPECT_NE(c.shown, FlagNamed(c.flag).show(ServerOptions())) << "the test proves nothing";
  }
}

TEST_P(FlagTest, IsReadFromTheEnvironmentAndTheFlagWins) {
  const FlagCase& c = GetParam();
  Environment environment = kCompanions;
  const std::string variable = FlagNamed(c.flag).EnvironmentName();
  environment[variable] = c.value;
  const auto from_variable = Parse({}, environment);
  ASSERT_TRUE(from_variable.ok()) << from_variable.status();
  EXPECT_EQ(FlagNamed(c.flag).show(from_variable->options), c.shown);
  EXPECT_THAT(from_variable->warnings, IsEmpty());

  environment[variable] = c.other;
  const auto from_flag = Parse({c.flag + "=" + c.value}, environment);
  ASSERT_TRUE(from_flag.ok()) << from_flag.status();
  EXPECT_EQ(FlagNamed(c.flag).show(from_flag->options), c.shown);

  environment[variable] = "";
  const auto empty = Parse({}, environment);
  if (absl::StartsWith(c.flag, "--tls-c") || c.flag == "--tls-key") return;  // needs its companion
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_EQ(FlagNamed(c.flag).show(empty->options), FlagNamed(c.flag).show(ServerOptions()));
}

std::vector<FlagCase> FlagCases() {
  return {
      {"--model", "a=/models/a", "b=/models/b", "a=/models/a"},
      {"--model-repository", "/models", "/other", "/models"},
      {"--listen", "127.0.0.1:9001", "127.0.0.1:1", "127.0.0.1:9001"},
      {"--metrics-listen", "[::1]:0", "127.0.0.1:1", "[::1]:0"},
      {"--health-listen", "0.0.0.0:8003", "127.0.0.1:1", "0.0.0.0:8003"},
      {"--threads", "3", "4", "3"},
      {"--dtype", "bf16", "f32", "bf16"},
      {"--max-batch-tokens", "512", "1", "512"},
      {"--max-batch-requests", "8", "1", "8"},
      {"--max-queue-requests", "64", "1", "64"},
      {"--max-queue-delay", "5ms", "1ms", "5ms"},
      {"--cache-bytes", "64MiB", "1KiB", "64MiB"},
      {"--kv-cache-bytes", "64MiB", "1KiB", "64MiB"},
      {"--max-new-tokens", "100", "1", "100"},
      {"--max-message-bytes", "64MiB", "1KiB", "64MiB"},
      {"--max-image-bytes", "1MiB", "1KiB", "1MiB"},
      {"--max-image-pixels", "1000", "2000", "1000"},
      {"--max-metadata-bytes", "64KiB", "1KiB", "64KiB"},
      {"--max-in-flight-bytes", "64MiB", "1KiB", "64MiB"},
      {"--max-in-flight-requests", "8", "1", "8"},
      {"--max-connections", "8", "1", "8"},
      {"--max-connection-calls", "8", "1", "8"},
      {"--max-connection-idle", "1m", "1s", "1m"},
      {"--keepalive-time", "1m30s", "1s", "1m30s"},
      {"--keepalive-timeout", "5s", "1s", "5s"},
      {"--model-repository-poll", "30s", "1s", "30s"},
      {"--access-log", "100", "1", "100"},
      {"--enable-admin", "true", "false", "true"},
      {"--drain-timeout", "1m30s", "1s", "1m30s"},
      {"--tls-cert", "cert.pem", "other.pem", "cert.pem"},
      {"--tls-key", "key.pem", "other.pem", "key.pem"},
      {"--tls-client-ca", "ca.pem", "other.pem", "ca.pem"},
      {"--auth-token-file", "tokens", "other", "tokens"},
      {"--log-format", "json", "text", "json"},
      {"--log-level", "debug", "error", "debug"},
      {"--check", "true", "false", "true"},
  };
}

INSTANTIATE_TEST_SUITE_P(EveryFlag, FlagTest, testing::ValuesIn(FlagCases()), [](const auto& test) {
  return FlagNamed(test.param.flag).EnvironmentName();
});

TEST(CommandLineTest, EveryFlagHasACase) {
  std::vector<std::string> in_table, in_cases;
  for (const Flag& flag : FlagTable()) in_table.push_back(flag.name);
  for (const FlagCase& c : FlagCases()) in_cases.push_back(c.flag);
  EXPECT_THAT(in_cases, testing::UnorderedElementsAreArray(in_table));
}

TEST(CommandLineTest, ModelsRepeat) {
  const auto command_line = Parse({"--model", "a=/a", "--model=b=/b=c"});
  ASSERT_TRUE(command_line.ok()) << command_line.status();
  EXPECT_THAT(command_line->options.models, ElementsAre(Pair("a", "/a"), Pair("b", "/b=c")));
}

TEST(CommandLineTest, ModelsInTheEnvironmentAreSeparatedByCommas) {
  const auto command_line = Parse({}, {{"ATTENTIOND_MODEL", "a=/a,b=/b"}});
  ASSERT_TRUE(command_line.ok()) << command_line.status();
  EXPECT_THAT(command_line->options.models, ElementsAre(Pair("a", "/a"), Pair("b", "/b")));
  // The flags replace them all.
  const auto flags = Parse({"--model=c=/c"}, {{"ATTENTIOND_MODEL", "a=/a,b=/b"}});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_THAT(flags->options.models, ElementsAre(Pair("c", "/c")));
}

TEST(CommandLineTest, HelpTeachesEveryFlagItsDefaultAndItsGroup) {
  for (const char* flag : {"--help", "-h"}) {
    const auto command_line = Parse({flag});
    ASSERT_TRUE(command_line.ok()) << command_line.status();
    const std::string& help = command_line->print;
    for (const Flag& row : FlagTable()) {
      EXPECT_THAT(help, HasSubstr(absl::StrCat("\n  ", row.name, " ")));
      EXPECT_THAT(help, HasSubstr(absl::StrCat("\n", row.group, ":\n")));
      if (row.value.empty()) continue;  // a switch is off unless given
      const std::string standard = row.show(ServerOptions());
      EXPECT_THAT(help, HasSubstr(absl::StrCat("\n                              Default: ",
                                               standard.empty() ? "none" : standard, ".\n")))
          << row.name;
    }
    EXPECT_THAT(help, HasSubstr("\nExamples:\n"));
    EXPECT_THAT(help, HasSubstr("Exit codes: 0"));
    for (const absl::string_view line : absl::StrSplit(help, '\n')) {
      EXPECT_LE(line.size(), 100u) << line;
    }
  }
}

TEST(CommandLineTest, VersionIsPrinted) {
  const auto command_line = Parse({"--version"});
  ASSERT_TRUE(command_line.ok()) << command_line.status();
  EXPECT_EQ(command_line->print, "attentiond 1.2.3\n");
}

TEST(CommandLineTest, UnknownFlagsAreErrorsWithASuggestion) {
  EXPECT_EQ(ErrorOf({"--max-batch-token=5"}),
            "unknown flag --max-batch-token; did you mean --max-batch-tokens?");
  EXPECT_EQ(ErrorOf({"--thread", "2"}), "unknown flag --thread; did you mean --threads?");
  EXPECT_EQ(ErrorOf({"-model", "a=b"}), "unknown flag -model; did you mean --model?");
  EXPECT_EQ(ErrorOf({"--port", "80"}), "unknown flag --port; --help lists the flags");
  EXPECT_EQ(ErrorOf({"-x"}), "unknown flag -x; --help lists the flags");
  EXPECT_THAT(ErrorOf({"models/demo"}), HasSubstr("unexpected argument \"models/demo\""));
}

TEST(CommandLineTest, WrongValuesNameTheFlagAndTheMend) {
  EXPECT_EQ(ErrorOf({"--threads"}), "--threads needs a value");
  EXPECT_EQ(ErrorOf({"--threads", "two"}), "--threads: \"two\" is not a whole number such as 256");
  EXPECT_EQ(ErrorOf({"--dtype=fp8"}), "--dtype: \"fp8\" is not one of auto|f32|bf16|int8");
  EXPECT_EQ(ErrorOf({"--check=maybe"}), "--check: \"maybe\" is not true or false");
  EXPECT_EQ(ErrorOf({"--listen=a:1", "--listen=b:1"}), "--listen: given twice");
  EXPECT_EQ(ErrorOf({"--model=a=/a", "--model=a=/b"}), "--model: the name \"a\" is given twice");
  for (const char* model : {"a", "=b", "a=", ""}) {
    EXPECT_THAT(ErrorOf({"--model", model}), HasSubstr("NAME=DIR")) << model;
  }
}

TEST(CommandLineTest, WrongVariablesAreNamedAsSuch) {
  EXPECT_EQ(ErrorOf({}, {{"ATTENTIOND_THREADS", "two"}}),
            "ATTENTIOND_THREADS: \"two\" is not a whole number such as 256");
  EXPECT_THAT(ErrorOf({}, {{"ATTENTIOND_MODEL", "a=/a,b"}}),
              HasSubstr("ATTENTIOND_MODEL: \"b\" is not NAME=DIR"));
}

TEST(CommandLineTest, OptionsThatContradictEachOtherAreAllReported) {
  EXPECT_EQ(ErrorOf({"--tls-key=k", "--max-batch-tokens=0"}),
            "--tls-key needs --tls-cert; --max-batch-tokens is 0: use 1 to 16777216");
}

TEST(CommandLineTest, UnknownVariablesAreWarnings) {
  const auto command_line = Parse({}, {{"ATTENTIOND_THREDS", "2"}});
  ASSERT_TRUE(command_line.ok()) << command_line.status();
  EXPECT_THAT(command_line->warnings, ElementsAre(HasSubstr("ATTENTIOND_THREDS")));
}

TEST(CommandLineTest, KubernetesServiceVariablesAreNotOurs) {
  const auto command_line = Parse({}, {{"ATTENTIOND_SERVICE_HOST", "10.0.0.1"},
                                       {"ATTENTIOND_SERVICE_PORT_GRPC", "8001"},
                                       {"ATTENTIOND_PORT", "tcp://10.0.0.1:8001"},
                                       {"ATTENTIOND_PORT_8001_TCP_ADDR", "10.0.0.1"}});
  ASSERT_TRUE(command_line.ok()) << command_line.status();
  EXPECT_THAT(command_line->warnings, IsEmpty());
}

TEST(CommandLineTest, ReadsOnlyItsOwnVariables) {
  const char* const variables[] = {"PATH=/bin", "ATTENTIOND_MODEL=a=/a", "ATTENTIOND_X", nullptr};
  EXPECT_THAT(ReadEnvironment(variables), ElementsAre(Pair("ATTENTIOND_MODEL", "a=/a")));
  EXPECT_THAT(ReadEnvironment(nullptr), IsEmpty());
}

}  // namespace
}  // namespace attentiond
