// server/http/http_routes.h -- which path answers what, without sockets.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace attentiond {

/// Called by the HTTP threads, concurrently; must not block for long.
struct HttpHandlers {
  std::function<std::string()> metrics;     ///< the text exposition format
  std::function<absl::Status()> readiness;  ///< OK: ready; else the message says why not
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
  std::string allow = {};  ///< methods, with 405
};

/// GET or HEAD of /metrics, /livez (200 while the process runs) and /readyz (200, or 503 and the
/// reason). Another path is 404, another method 405. Threads: any.
HttpResponse RouteHttp(absl::string_view method, absl::string_view path,
                       const HttpHandlers& handlers);

}  // namespace attentiond
