#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "client/file.h"
#include "tests/client/commands/fake_server.h"
#include "tests/client/commands/program_run.h"

namespace attentiond::client {
namespace {

class BenchTest : public testing::Test {
 protected:
  ProgramRun Run(const std::vector<std::string>& arguments) {
    return RunWith(server_.address(), arguments);
  }
  FakeServer server_;
};

TEST_F(BenchTest, ClosedLoop) {
  const std::string path = testing::TempDir() + "/bench_test.json";
  const ProgramRun run = Run({"bench", "-m", "sentiment", "--concurrency", "8", "--requests", "200",
                              "--json", path, "--connections", "2", "--texts", "3"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(absl::StrContains(run.out, ": 200 ok, 0 failed")) << run.out;
  EXPECT_TRUE(absl::StrContains(run.out, "compute 1.00 ms")) << run.out;
  const nlohmann::json json = nlohmann::json::parse(*ReadFile(path, 1 << 20));
  EXPECT_EQ(json["succeeded"], 200);
  EXPECT_EQ(json["concurrency"], 8);
  EXPECT_EQ(json["connections"], 2);
  EXPECT_EQ(json["tokens"], 200 * 3 * 7);
  EXPECT_GT(json["latency_seconds"]["p50"], 0);
  EXPECT_LE(json["latency_seconds"]["p50"], json["latency_seconds"]["max"]);
  for (const int size : server_.request_sizes()) EXPECT_EQ(size, 3);
}

TEST_F(BenchTest, OpenLoopOfEveryTask) {
  for (const char* task : {"classify", "embed", "attend"}) {
    const ProgramRun run = Run({"bench", "--task", task, "--rate", "2000", "--requests", "50",
                                "--lengths", "1:4", "--json", "-"});
    EXPECT_EQ(run.exit_code, 0) << task << run.err;
    const nlohmann::json json = nlohmann::json::parse(run.out);
    EXPECT_EQ(json["succeeded"], 50) << task;
    EXPECT_EQ(json["task"], task);
    EXPECT_EQ(json["rate"], 2000.0);
  }
}

TEST_F(BenchTest, CountsErrorsByCode) {
  const std::string path = testing::TempDir() + "/bench_test.txt";
  ASSERT_TRUE(WriteFile(path, "love\nfail 8\nfail 8\nfail 3\n").ok());
  const ProgramRun run = Run({"bench", "--file", path, "--requests", "40"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(absl::StrContains(run.out, "RESOURCE_EXHAUSTED 20")) << run.out;
  EXPECT_TRUE(absl::StrContains(run.out, "INVALID_ARGUMENT 10")) << run.out;
}

TEST_F(BenchTest, StopsAtOnceWhenTheFirstRequestFails) {
  const std::string path = testing::TempDir() + "/bench_test_fail.txt";
  ASSERT_TRUE(WriteFile(path, "fail 5\n").ok());
  const ProgramRun run = Run({"bench", "--file", path});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(run.err, "NOT_FOUND: asked for")) << run.err;
  EXPECT_EQ(server_.request_sizes().size(), 1u);
}

TEST_F(BenchTest, RefusesWhatItCannotSend) {
  const std::string path = testing::TempDir() + "/bench_test_empty.txt";
  ASSERT_TRUE(WriteFile(path, "").ok());
  EXPECT_TRUE(absl::StrContains(Run({"bench", "--file", path}).err, "has no lines"));
  EXPECT_TRUE(absl::StrContains(Run({"bench", "--task", "attend", "--heads", "1024", "--head-dim",
                                     "4096", "--lengths", "1:1000"})
                                    .err,
                                "too large"));
}

}  // namespace
}  // namespace attentiond::client
