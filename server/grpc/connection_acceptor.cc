#include "server/grpc/connection_acceptor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"

namespace attentiond {
namespace {

// Left for the process itself: model files, scrapes, the log.
constexpr int64_t kReservedDescriptors = 32;
constexpr absl::Duration kUntilDescriptorsAreFree = absl::Milliseconds(50);
// How long connections have to end: longer than it takes on a machine that is busy with others.
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(5);
constexpr int kLooks = 400;

std::set<int> OpenDescriptors() {
  std::set<int> descriptors;
  std::error_code error;
  std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
  for (; !error && entry != end; entry.increment(error)) {
    int descriptor = 0;
    if (absl::SimpleAtoi(entry->path().filename().string(), &descriptor)) {
      descriptors.insert(descriptor);
    }
  }
  return descriptors;
}

int64_t DescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT32_MAX) return INT32_MAX;
  return static_cast<int64_t>(limit.rlim_cur);
}

// Descriptors at or past it are too many.
int EndOfDescriptors(int max_connections) {
  // Past as many free numbers as there may be connections.
  int64_t end = max_connections;
  for (const int descriptor : OpenDescriptors()) end += descriptor < end ? 1 : 0;
  return static_cast<int>(std::min(end, DescriptorLimit() - kReservedDescriptors));
}

// What gRPC sets on the connections that it accepts itself.
void SetOptions(int fd, absl::Duration unanswered_timeout) {
  const int on = 1;
  const auto milliseconds = static_cast<unsigned>(absl::ToInt64Milliseconds(unanswered_timeout));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof(milliseconds));
}

int LocalPort(int fd) {
  sockaddr_in6 address{};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return -1;
  const bool is_ip = address.sin6_family == AF_INET || address.sin6_family == AF_INET6;
  return is_ip ? ntohs(address.sin6_port) : -1;  // at the same place in sockaddr_in
}

bool IsShortOfResources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

ConnectionAcceptor::ConnectionAcceptor(ListeningSockets sockets, const Options& options,
                                       HandOver hand_over)
    : sockets_(std::move(sockets)),
      options_(options),
      hand_over_(std::move(hand_over)),
      stop_(eventfd(0, EFD_CLOEXEC)),
      end_of_descriptors_(EndOfDescriptors(options.max_connections)),
      thread_([this] { Run(); }) {}

ConnectionAcceptor::~ConnectionAcceptor() {
  const uint64_t one = 1;
  while (write(stop_, &one, sizeof(one)) < 0 && errno == EINTR) {
  }
  thread_.join();
  close(stop_);
  EndConnections();
}

std::vector<int> ConnectionAcceptor::Connections() const {
  // The descriptors belong to whom they were handed to, who may have closed them: those that are
  // ours can be told by their port.
  std::vector<int> connections;
  const std::vector<int>& listeners = sockets_.fds();
  for (const int fd : OpenDescriptors()) {
    const bool is_listener = std::find(listeners.begin(), listeners.end(), fd) != listeners.end();
    if (!is_listener && LocalPort(fd) == sockets_.port()) connections.push_back(fd);
  }
  return connections;
}

void ConnectionAcceptor::EndConnections() const {
  // Both ways: a call that has arrived just now shall find the connection's end, which clients take
  // for a server that is gone, and not gRPC's own CANCELLED.
  for (const int fd : Connections()) shutdown(fd, SHUT_RDWR);
  for (int look = 0; look < kLooks && !Connections().empty(); ++look) {
    poll(nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(kBetweenLooks)));
  }
}

void ConnectionAcceptor::Run() {
  std::vector<pollfd> waiting = {{.fd = stop_, .events = POLLIN, .revents = 0}};
  for (const int fd : sockets_.fds()) waiting.push_back({.fd = fd, .events = POLLIN, .revents = 0});
  for (;;) {
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;  // EINTR
    if (waiting[0].revents != 0) return;
    for (size_t i = 1; i < waiting.size(); ++i) {
      if (waiting[i].revents != 0) AcceptAll(waiting[i].fd);
    }
  }
}

void ConnectionAcceptor::AcceptAll(int listener) {
  while (!IsStopping(absl::ZeroDuration())) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      Accepted(listener, fd);
    } else if (IsShortOfResources(errno)) {
      // The connection stays in the kernel's queue: trying again at once would only burn a
      // processor.
      IsStopping(kUntilDescriptorsAreFree);
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return;  // EAGAIN: that was all
    }
  }
}

void ConnectionAcceptor::Accepted(int listener, int fd) {
  if (fd >= end_of_descriptors_) {
    close(fd);
    if (options_.on_refused != nullptr) options_.on_refused();
    return;
  }
  SetOptions(fd, options_.unanswered_timeout);
  hand_over_(listener, fd);
}

bool ConnectionAcceptor::IsStopping(absl::Duration patience) const {
  pollfd stop = {.fd = stop_, .events = POLLIN, .revents = 0};
  return poll(&stop, 1, static_cast<int>(absl::ToInt64Milliseconds(patience))) > 0;
}

}  // namespace attentiond
