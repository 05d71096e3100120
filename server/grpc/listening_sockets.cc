#include "server/grpc/listening_sockets.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "server/listen_address.h"

namespace attentiond {
namespace {

// Connections that have arrived and are not accepted yet; the kernel caps it (net.core.somaxconn).
constexpr int kBacklog = 4096;

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

absl::StatusOr<Addresses> Resolve(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &found);
  if (error != 0) return absl::UnavailableError(gai_strerror(error));
  return Addresses(found, &freeaddrinfo);
}

void SetPort(int port, sockaddr* address) {
  const in_port_t in_network_order = htons(static_cast<in_port_t>(port));
  if (address->sa_family == AF_INET) {
    reinterpret_cast<sockaddr_in*>(address)->sin_port = in_network_order;
  } else {
    reinterpret_cast<sockaddr_in6*>(address)->sin6_port = in_network_order;
  }
}

int PortOf(int fd) {
  sockaddr_in6 address{};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.sin6_port);  // at the same place in sockaddr_in
}

// A socket that listens, or -1 with errno. `both`: IPv4 through an IPv6 socket too.
int Listen(const addrinfo& address, bool both) {
  const int fd =
      socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1, only_v6 = both ? 0 : 1;
  // A server that starts again finds connections of the old one in TIME_WAIT.
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.ai_family == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6));
  }
  if (bind(fd, address.ai_addr, address.ai_addrlen) == 0 && listen(fd, kBacklog) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

}  // namespace

absl::StatusOr<ListeningSockets> ListeningSockets::Open(const std::string& text) {
  ASSIGN_OR_RETURN(const ListenAddress address, ParseListenAddress(text));
  const absl::string_view host =
      absl::StripPrefix(absl::StripSuffix(address.host, "]"), "[");
  const bool every_address = host == "0.0.0.0" || host == "::";
  ListeningSockets sockets;
  std::string reason = "no address";
  if (every_address) {
    ASSIGN_OR_RETURN(const Addresses everywhere, Resolve("::", address.port));
    if (const int fd = Listen(*everywhere, /*both=*/true); fd >= 0) {
      sockets.fds_.push_back(fd);
      return sockets;
    }
    // No IPv6 on this machine; a port that is taken will be so below as well.
  }
  const absl::StatusOr<Addresses> found =
      Resolve(every_address ? "0.0.0.0" : std::string(host), address.port);
  if (!found.ok()) reason = std::string(found.status().message());
  for (addrinfo* one = found.ok() ? found->get() : nullptr; one != nullptr; one = one->ai_next) {
    if (!sockets.fds_.empty()) SetPort(sockets.port(), one->ai_addr);
    const int fd = Listen(*one, /*both=*/false);
    if (fd >= 0) {
      sockets.fds_.push_back(fd);
      continue;
    }
    reason = std::strerror(errno);
    if (errno == EADDRINUSE) {
      sockets.Close();
      break;
    }
  }
  if (!sockets.fds_.empty()) return sockets;
  return absl::UnavailableError(
      absl::StrCat("cannot listen on '", text, "': ", reason,
                   "; required is HOST:PORT with a free port of this machine"));
}

ListeningSockets& ListeningSockets::operator=(ListeningSockets&& other) noexcept {
  if (this != &other) {
    Close();
    fds_ = std::exchange(other.fds_, {});
  }
  return *this;
}

int ListeningSockets::port() const { return fds_.empty() ? 0 : PortOf(fds_.front()); }

void ListeningSockets::Close() {
  for (const int fd : std::exchange(fds_, {})) close(fd);
}

}  // namespace attentiond
