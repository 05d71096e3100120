// server/http/http_server.h -- the HTTP port: /metrics for Prometheus, /livez and /readyz for
// probes.
//
// civetweb behind it, with its limits set: two threads, small requests, short waits. Files are
// never served.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/http/http_routes.h"

namespace attentiond {

class HttpServer {
 public:
  /// Listens on `address` (HOST:PORT; port 0: any free one) and serves until it is destroyed.
  /// Errors  kInvalidArgument: `address` is not HOST:PORT. kUnavailable: it cannot be listened on;
  ///         the message says why.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const std::string& address,
                                                           HttpHandlers handlers);
  /// Answers what it is answering, then stops listening.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// The port that it listens on.
  int port() const;

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace attentiond
