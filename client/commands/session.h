// client/commands/session.h -- the connection that a command works with, and the flags it comes
// from.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/client.h"
#include "client/commands/advice.h"
#include "client/commands/console.h"

namespace attentiond::client {

struct ConnectionFlags {
  ChannelOptions channel;  ///< an empty address stands for the console's default
  std::string token_file;
  double timeout_seconds = 30;
  int attempts = 5;
  bool wait = false;

  ConnectionFlags() { channel.address.clear(); }
};

void AddConnectionFlags(CLI::App* app, ConnectionFlags* flags);

class Session {
 public:
  /// Errors: as CreateChannel(), and a token file that is not readable or holds no token.
  static absl::StatusOr<Session> Open(const ConnectionFlags& flags, const Console& console);

  Client& client() { return *client_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const ChannelOptions& channel_options() const { return channel_options_; }
  const UnaryCaller::Options& caller_options() const { return caller_options_; }
  const CallOptions& call_options() const { return call_options_; }

  /// What a call returned, its error with advice.
  template <typename Response>
  absl::StatusOr<Response> Advise(absl::StatusOr<Response> response) const {
    if (response.ok()) return response;
    return Advise(response.status());
  }
  absl::Status Advise(const absl::Status& status) const {
    return WithAdvice(status, channel_options_.address);
  }

 private:
  ChannelOptions channel_options_;
  UnaryCaller::Options caller_options_;
  CallOptions call_options_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Client> client_;
};

}  // namespace attentiond::client
