// models and health: what they say of a server.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "tests/client/commands/fake_server.h"
#include "tests/client/commands/program_run.h"

namespace attentiond::client {
namespace {

TEST(ModelsTest, PrintsATable) {
  FakeServer server;
  EXPECT_EQ(RunWith(server.address(), {"models"}).out,
            "name       version  state        kind                     type  max tokens   memory  "
            "labels, or what is wrong\n"
            "sentiment  1        ready        sequence classification  fp32          64  3.0 MiB  "
            "NEGATIVE POSITIVE\n"
            "broken              unavailable                                                      "
            "config.json: no such file\n");
}

TEST(ModelsTest, PrintsJson) {
  FakeServer server;
  const ProgramRun run = RunWith(server.address(), {"models", "--ready", "--json"});
  const nlohmann::json json = nlohmann::json::parse(run.out);  // fails on two lines
  EXPECT_EQ(json["name"], "sentiment");
  EXPECT_EQ(json["kind"], "sequence classification");
  EXPECT_EQ(json["labels"], nlohmann::json({"NEGATIVE", "POSITIVE"}));
}

TEST(HealthTest, TheExitCodeIsTheAnswer) {
  FakeServer server;
  const ProgramRun run = RunWith(server.address(), {"health"});
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out, server.address() + ": serving\n");

  server.SetHealth("", false);
  const ProgramRun draining = RunWith(server.address(), {"health"});
  EXPECT_EQ(draining.exit_code, 1);
  EXPECT_EQ(draining.err, "attention-client: " + server.address() + ": not serving\n");
}

TEST(HealthTest, AsksForAModel) {
  FakeServer server;
  server.SetHealth("sentiment", true);
  EXPECT_EQ(RunWith(server.address(), {"health", "--model", "sentiment"}).exit_code, 0);
  const ProgramRun unknown = RunWith(server.address(), {"health", "--model", "nothing"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(unknown.err, "NOT_FOUND")) << unknown.err;
}

TEST(HealthTest, WaitsUntilItServesOrTimeIsUp) {
  FakeServer server;
  server.SetHealth("", false);
  const ProgramRun run = RunWith(server.address(), {"health", "--wait", "--timeout", "0.3"});
  EXPECT_EQ(run.exit_code, 1);
  // The first two questions fail, a later one is answered.
  server.SetHealth("", true);
  server.FailNext(2, grpc::Status(grpc::StatusCode::UNAVAILABLE, "starting"));
  EXPECT_EQ(RunWith(server.address(), {"health", "--wait", "--attempts", "1"}).exit_code, 0);
}

TEST(HealthTest, NobodyThere) {
  const ProgramRun run = RunWith("127.0.0.1:1", {"health", "--attempts", "1", "--timeout", "1"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(run.err, "no connection")) << run.err;
}

}  // namespace
}  // namespace attentiond::client
