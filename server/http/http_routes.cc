#include "server/http/http_routes.h"

#include "absl/strings/str_cat.h"

namespace attentiond {
namespace {

HttpResponse Metrics(const HttpHandlers& handlers) {
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = handlers.metrics()};
}

HttpResponse Live(const HttpHandlers&) { return {.body = "ok\n"}; }

HttpResponse Ready(const HttpHandlers& handlers) {
  const absl::Status readiness = handlers.readiness();
  if (readiness.ok()) return {.body = "ok\n"};
  return {.status = 503, .body = absl::StrCat(readiness.message(), "\n")};
}

struct Route {
  absl::string_view path;
  HttpResponse (*handle)(const HttpHandlers&);
};
constexpr Route kRoutes[] = {{"/metrics", Metrics}, {"/livez", Live}, {"/readyz", Ready}};

}  // namespace

HttpResponse RouteHttp(absl::string_view method, absl::string_view path,
                       const HttpHandlers& handlers) {
  for (const Route& route : kRoutes) {
    if (route.path != path) continue;
    if (method == "GET" || method == "HEAD") return route.handle(handlers);
    return {.status = 405, .body = "only GET and HEAD are allowed\n", .allow = "GET, HEAD"};
  }
  return {.status = 404, .body = "not here; there are /metrics, /livez and /readyz\n"};
}

}  // namespace attentiond
