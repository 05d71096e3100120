// tests/testing/server_process.h -- the real attentiond as a child process, on ports of its own
// choosing.
//
//   ServerProcess server({"--model=demo=models/demo-sentiment"});
//   ASSERT_TRUE(server.WaitUntilServing()) << server.Output();
//   ... server.address(), server.http_port() ...
//   server.Signal(SIGTERM);
//   EXPECT_EQ(server.WaitForExit(), 0) << server.Output();
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "core/base/mutex.h"

namespace attentiond::testing {

/// Threads: one, but for what the methods say.
class ServerProcess {
 public:
  using Environment = std::map<std::string, std::string>;

  /// Starts it with free loopback ports, --log-format=json and then `arguments`; of the variables
  /// that start with ATTENTIOND_ it sees only `environment`.
  explicit ServerProcess(const std::vector<std::string>& arguments,
                         const Environment& environment = {});
  /// Starts it with `arguments` alone.
  static ServerProcess WithOnly(const std::vector<std::string>& arguments,
                                const Environment& environment = {});
  /// Kills it when it still runs.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  /// Until the line that says where it listens; false when it ended before, or is too slow.
  bool WaitUntilServing();
  /// Until a line of its output contains `text`; false when it ended before, or is too slow.
  bool WaitForOutput(const std::string& text);

  /// Known once it serves.
  std::string address() const;         ///< of gRPC, "127.0.0.1:43210"
  int http_port() const;               ///< of /metrics
  std::string health_address() const;  ///< "" when there is none

  void Signal(int signal) const;
  /// Waits for its end; the exit code, or minus the signal that killed it. Kills it, and fails the
  /// test, when it takes longer than a minute.
  int WaitForExit();
  /// What it has written to standard output and standard error so far.
  std::string Output() const;
  pid_t pid() const { return pid_; }

 private:
  struct Only {};
  ServerProcess(Only, const std::vector<std::string>& arguments, const Environment& environment);
  void ReadOutput();
  /// The field of the line that says where it listens; "" when it has none.
  std::string ServingField(const std::string& name) const;

  pid_t pid_ = -1;
  bool exited_ = false;
  int output_fd_ = -1;
  mutable Mutex mutex_;
  CondVar changed_;
  std::string output_ ABSL_GUARDED_BY(mutex_);
  bool output_ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread reader_;
};

}  // namespace attentiond::testing
