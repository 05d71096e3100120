#include "client/commands/program.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "client/file.h"
#include "tests/client/commands/fake_server.h"
#include "tests/client/commands/program_run.h"

namespace attentiond::client {
namespace {

constexpr char kNoServer[] = "127.0.0.1:1";  // nobody listens on tcpmux

const char* const kCommands[] = {"attend",   "classify", "embed",  "explain",
                                 "tokenize", "models",   "health", "bench"};

TEST(ProgramTest, HelpTeaches) {
  const ProgramRun run = RunWith(kNoServer, {"--help"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.err, "");
  for (const char* command : kCommands) {
    EXPECT_TRUE(absl::StrContains(run.out, command)) << command;
    const ProgramRun help = RunWith(kNoServer, {command, "--help"});
    EXPECT_EQ(help.exit_code, 0) << command;
    EXPECT_TRUE(absl::StrContains(help.out, "Examples:")) << command;
    EXPECT_TRUE(absl::StrContains(help.out, "--address HOST:PORT")) << command;
  }
}

TEST(ProgramTest, VersionIsAnAnswer) {
  const ProgramRun run = RunWith(kNoServer, {"--version"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_TRUE(absl::StartsWith(run.out, "attention-client 0")) << run.out;
}

TEST(ProgramTest, WrongCommandLinesExitWith64) {
  const std::vector<std::vector<std::string>> command_lines = {
      {},
      {"clasify"},
      {"classify", "--no-such-flag"},
      {"classify", "--rows", "0"},
      {"classify", "--rows", "many"},
      {"classify", "--timeout", "-1"},
      {"attend"},
      {"attend", "--query", "q.npy"},
      {"attend", "--example", "--window", "0"},
      {"attend", "--example", "--dtype", "f8"},
      {"embed", "--pooling", "max", "text"},
      {"explain", "--layer", "-1", "text"},
      {"explain", "--layer", "first", "text"},
      {"explain", "--color", "perhaps", "text"},
      {"models", "extra"},
      {"bench", "--task", "sleep"},
      {"bench", "--rate", "0"},
      {"bench", "--rate", "5", "--concurrency", "2"},
      {"bench", "--lengths", "9:3"},
      {"bench", "--duration", "1", "--warmup", "2"},
  };
  for (const auto& arguments : command_lines) {
    const ProgramRun run = RunWith(kNoServer, arguments);
    EXPECT_EQ(run.exit_code, 64) << testing::PrintToString(arguments);
    EXPECT_TRUE(absl::StartsWith(run.err, "attention-client: ")) << run.err;
    EXPECT_TRUE(absl::StrContains(run.err, "--help")) << run.err;
    EXPECT_EQ(run.out, "");
  }
  EXPECT_TRUE(absl::StrContains(RunWith(kNoServer, {"clasify"}).err, "\"clasify\""));
}

TEST(ProgramTest, NoServerSaysWhatToDo) {
  const ProgramRun run = RunWith(kNoServer, {"models", "--attempts", "1"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_TRUE(absl::StartsWith(run.err, "attention-client: no connection to 127.0.0.1:1"))
      << run.err;
  EXPECT_TRUE(absl::StrContains(run.err, "--address"));
  EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << "one line: " << run.err;
}

TEST(ProgramTest, TheAddressMayStandBeforeOrAfterTheCommand) {
  FakeServer server;
  EXPECT_EQ(RunWith(kNoServer, {"--address", server.address(), "models"}).exit_code, 0);
  EXPECT_EQ(RunWith(kNoServer, {"models", "--address", server.address()}).exit_code, 0);
  EXPECT_EQ(RunWith(server.address(), {"models"}).exit_code, 0) << "the environment's";
}

TEST(ProgramTest, SendsTheToken) {
  FakeServer server;
  const std::string path = testing::TempDir() + "/program_test_token";
  ASSERT_TRUE(WriteFile(path, "# of the test server\n\n  s3cret-token \nanother\n").ok());
  EXPECT_EQ(RunWith(server.address(), {"models", "--token-file", path}).exit_code, 0);
  EXPECT_EQ(server.last_authorization(), "Bearer s3cret-token");
  EXPECT_EQ(RunWith(server.address(), {"models"}).exit_code, 0);
  EXPECT_EQ(server.last_authorization(), "");

  ASSERT_TRUE(WriteFile(path, "# nothing here\n").ok());
  EXPECT_EQ(RunWith(server.address(), {"models", "--token-file", path}).exit_code, 1);
  ASSERT_TRUE(WriteFile(path, "two words\n").ok());
  EXPECT_EQ(RunWith(server.address(), {"models", "--token-file", path}).exit_code, 1);
  EXPECT_EQ(RunWith(server.address(), {"models", "--token-file", path + ".missing"}).exit_code, 1);
}

TEST(ProgramTest, RetriesWhatMayBeRetried) {
  FakeServer server;
  server.FailNext(2, grpc::Status(grpc::StatusCode::UNAVAILABLE, "loading"));
  EXPECT_EQ(RunWith(server.address(), {"models"}).exit_code, 0);
  server.FailNext(1, grpc::Status(grpc::StatusCode::UNAVAILABLE, "loading"));
  const ProgramRun run = RunWith(server.address(), {"models", "--attempts", "1"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(run.err, "UNAVAILABLE: loading; try again")) << run.err;
}

TEST(ProgramTest, MessagesOfTheServerCannotSteerTheTerminal) {
  FakeServer server;
  server.FailNext(1, grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "bad \x1b[2J text"));
  const ProgramRun run = RunWith(server.address(), {"models"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(run.err.find('\x1b'), std::string::npos);
}

TEST(ProgramTest, AFullDiskIsNoticed) {
  FakeServer server;
  std::istringstream in;
  std::ostringstream err;
  std::ostream broken(nullptr);  // cannot be written
  Console console;
  console.in = &in;
  console.out = &broken;
  console.err = &err;
  console.default_address = server.address();
  EXPECT_EQ(RunProgram({"models"}, &console), 1);
  EXPECT_TRUE(absl::StrContains(err.str(), "standard output")) << err.str();
}

}  // namespace
}  // namespace attentiond::client
