// server/grpc/listening_sockets.h -- TCP sockets that listen on HOST:PORT.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace attentiond {

/// Open sockets; closed when destroyed. Movable. Threads: one at a time.
class ListeningSockets {
 public:
  /// One socket for each address that the host of `address` (server/listen_address.h) has. 0.0.0.0
  /// and [::] are every address of the machine, IPv4 and IPv6. They accept without blocking.
  /// kInvalidArgument: not HOST:PORT. kUnavailable: no such address here, or the port is taken; says
  /// which.
  static absl::StatusOr<ListeningSockets> Open(const std::string& address);

  ListeningSockets(ListeningSockets&& other) noexcept : fds_(std::move(other.fds_)) {}
  ListeningSockets& operator=(ListeningSockets&& other) noexcept;
  ~ListeningSockets() { Close(); }

  const std::vector<int>& fds() const { return fds_; }
  int port() const;
  void Close();

 private:
  ListeningSockets() = default;

  std::vector<int> fds_;  // empty after a move
};

}  // namespace attentiond
