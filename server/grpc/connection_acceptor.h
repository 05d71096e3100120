// server/grpc/connection_acceptor.h -- accepts connections and hands them to gRPC, as many as there
// may be.
//
// gRPC's own listener stops for good the first time that accept() finds no free file descriptor,
// and knows no limit. This one closes what is too much at once, and goes on.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "server/grpc/listening_sockets.h"

namespace attentiond {

/// Threads: one at a time; it has one of its own.
class ConnectionAcceptor {
 public:
  struct Options {
    /// At once. Descriptors count instead of connections: the kernel gives the lowest free number,
    /// so that a high one says how many are open. Those that the server itself opens later, a
    /// handful, count too. Fewer fit when the process may open fewer (ulimit -n).
    int max_connections = 10000;
    /// A connection whose peer acknowledges nothing for so long is closed by the kernel.
    absl::Duration unanswered_timeout = absl::Seconds(20);
    std::function<void()> on_refused;  ///< a connection was closed at once; by the own thread
  };
  /// Takes over the descriptor `fd`.
  using HandOver = std::function<void(int listener, int fd)>;

  ConnectionAcceptor(ListeningSockets sockets, const Options& options, HandOver hand_over);
  /// Stops, and ends what was handed over: what was written arrives, then both sides find the end.
  /// Waits for who has them to close them, for two seconds at most.
  ~ConnectionAcceptor();
  ConnectionAcceptor(const ConnectionAcceptor&) = delete;
  ConnectionAcceptor& operator=(const ConnectionAcceptor&) = delete;

 private:
  void Run();
  void AcceptAll(int listener);
  void Accepted(int listener, int fd);
  bool IsStopping(absl::Duration patience) const;
  std::vector<int> Connections() const;
  void EndConnections() const;

  const ListeningSockets sockets_;
  const Options options_;
  const HandOver hand_over_;
  const int stop_;  // an eventfd; readable: stop
  int end_of_descriptors_ = 0;
  std::thread thread_;
};

}  // namespace attentiond
