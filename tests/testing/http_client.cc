#include "tests/testing/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace attentiond::testing {

LocalConnection::LocalConnection(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    close(socket_);
    socket_ = -1;
  }
}

LocalConnection::~LocalConnection() {
  if (socket_ >= 0) close(socket_);
}

void LocalConnection::Send(const std::string& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t size = send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (size <= 0) return;
    sent += static_cast<size_t>(size);
  }
}

void LocalConnection::FinishSending() { shutdown(socket_, SHUT_WR); }

std::string LocalConnection::ReadAll() {
  std::string bytes;
  char buffer[4096];
  for (ssize_t size = 0; (size = recv(socket_, buffer, sizeof(buffer), 0)) > 0;) {
    bytes.append(buffer, static_cast<size_t>(size));
  }
  return bytes;
}

HttpReply ParseHttpReply(const std::string& answer) {
  HttpReply reply;
  const size_t head_end = answer.find("\r\n\r\n");
  if (head_end == std::string::npos) return reply;
  reply.head = answer.substr(0, head_end + 2);
  reply.body = answer.substr(head_end + 4);
  // "HTTP/1.1 200 OK"
  if (!absl::SimpleAtoi(reply.head.substr(reply.head.find(' ') + 1, 3), &reply.status)) return {};
  return reply;
}

HttpReply HttpRequest(int port, const std::string& method, const std::string& path) {
  LocalConnection connection(port);
  if (!connection.connected()) return {};
  connection.Send(absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  return ParseHttpReply(connection.ReadAll());
}

}  // namespace attentiond::testing
