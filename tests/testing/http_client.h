// tests/testing/http_client.h -- sends bytes to a local port and reads the answer: HTTP for tests,
// the malformed kind included.
#pragma once

#include <string>

namespace attentiond::testing {

/// A TCP connection to 127.0.0.1; closed with the object.
class LocalConnection {
 public:
  explicit LocalConnection(int port);
  ~LocalConnection();
  LocalConnection(const LocalConnection&) = delete;
  LocalConnection& operator=(const LocalConnection&) = delete;

  bool connected() const { return socket_ >= 0; }
  void Send(const std::string& bytes);
  /// Nothing more will be sent; the peer reads the end.
  void FinishSending();
  /// What comes until the peer closes.
  std::string ReadAll();

 private:
  int socket_ = -1;
};

struct HttpReply {
  int status = 0;    ///< 0: no answer
  std::string head;  ///< status line and headers
  std::string body;
};

HttpReply HttpRequest(int port, const std::string& method, const std::string& path);
inline HttpReply HttpGet(int port, const std::string& path) {
  return HttpRequest(port, "GET", path);
}

/// The parts of an answer as it came.
HttpReply ParseHttpReply(const std::string& answer);

}  // namespace attentiond::testing
