#include "tests/testing/server_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"

extern char** environ;  // unistd.h declares it for _GNU_SOURCE alone

namespace attentiond::testing {
namespace {

// A server that a sanitizer slows down on a busy machine is still well within it.
constexpr absl::Duration kPatience = absl::Minutes(1);

/// This process's variables without the server's own, and with `added`.
std::vector<std::string> ChildEnvironment(const ServerProcess::Environment& added) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!absl::StartsWith(*variable, "ATTENTIOND_")) variables.emplace_back(*variable);
  }
  for (const auto& [name, value] : added) variables.push_back(absl::StrCat(name, "=", value));
  return variables;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& string : strings) pointers.push_back(string.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> WithFreePorts(const std::vector<std::string>& arguments) {
  std::vector<std::string> all = {"--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0",
                                  "--log-format=json"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

}  // namespace

ServerProcess::ServerProcess(const std::vector<std::string>& arguments,
                             const Environment& environment)
    : ServerProcess(Only{}, WithFreePorts(arguments), environment) {}

ServerProcess ServerProcess::WithOnly(const std::vector<std::string>& arguments,
                                      const Environment& environment) {
  return ServerProcess(Only{}, arguments, environment);
}

ServerProcess::ServerProcess(Only, const std::vector<std::string>& arguments,
                             const Environment& environment) {
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) {
    ADD_FAILURE() << "no pipe";
    return;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDERR_FILENO);
  std::vector<std::string> command = {ATTENTIOND_BINARY};
  command.insert(command.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = ChildEnvironment(environment);
  const int error = posix_spawn(&pid_, ATTENTIOND_BINARY, &actions, /*attributes=*/nullptr,
                                Pointers(command).data(), Pointers(variables).data());
  EXPECT_EQ(error, 0) << "cannot start " << ATTENTIOND_BINARY;
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_fds[1]);
  output_fd_ = pipe_fds[0];
  reader_ = std::thread([this] { ReadOutput(); });
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0 && !exited_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (reader_.joinable()) reader_.join();
  if (output_fd_ >= 0) close(output_fd_);
}

void ServerProcess::ReadOutput() {
  char buffer[4096];
  for (ssize_t size = 0; (size = read(output_fd_, buffer, sizeof(buffer))) > 0;) {
    MutexLock lock(&mutex_);
    output_.append(buffer, static_cast<size_t>(size));
    changed_.SignalAll();
  }
  MutexLock lock(&mutex_);
  output_ended_ = true;
  changed_.SignalAll();
}

bool ServerProcess::WaitForOutput(const std::string& text) {
  MutexLock lock(&mutex_);
  while (!absl::StrContains(output_, text)) {
    if (output_ended_ || changed_.WaitFor(&mutex_, kPatience)) return false;
  }
  return true;
}

bool ServerProcess::WaitUntilServing() { return WaitForOutput("\"message\":\"serving\""); }

std::string ServerProcess::ServingField(const std::string& name) const {
  const std::string output = Output();
  for (const absl::string_view line : absl::StrSplit(output, '\n')) {
    const auto fields = nlohmann::json::parse(line.begin(), line.end(), /*cb=*/nullptr,
                                              /*allow_exceptions=*/false);
    if (!fields.is_object() || fields.value("message", "") != "serving") continue;
    return fields.value(name, "");
  }
  return "";
}

std::string ServerProcess::address() const { return ServingField("listen"); }
std::string ServerProcess::health_address() const { return ServingField("health_listen"); }

int ServerProcess::http_port() const {
  const std::string http_address = ServingField("metrics_listen");
  int port = 0;
  const bool parsed = absl::SimpleAtoi(http_address.substr(http_address.rfind(':') + 1), &port);
  EXPECT_TRUE(parsed) << http_address;
  return port;
}

void ServerProcess::Signal(int signal) const { kill(pid_, signal); }

int ServerProcess::WaitForExit() {
  {
    // It holds the pipe open for as long as it runs.
    MutexLock lock(&mutex_);
    while (!output_ended_) {
      if (changed_.WaitFor(&mutex_, kPatience)) {
        ADD_FAILURE() << "the server did not end";
        kill(pid_, SIGKILL);
      }
    }
  }
  int status = 0;
  waitpid(pid_, &status, 0);
  exited_ = true;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string ServerProcess::Output() const {
  MutexLock lock(&mutex_);
  return output_;
}

}  // namespace attentiond::testing
