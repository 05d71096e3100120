#include "server/http/http_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attentiond {
namespace {

HttpHandlers Handlers(absl::Status readiness) {
  return {.metrics = [] { return std::string("a_total 1\n"); },
          .readiness = [readiness] { return readiness; }};
}

TEST(HttpRoutesTest, AnswersMetricsInTheExpositionFormat) {
  const HttpResponse response = RouteHttp("GET", "/metrics", Handlers(absl::OkStatus()));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(response.body, "a_total 1\n");
}

TEST(HttpRoutesTest, IsLiveEvenWhenItIsNotReady) {
  const HttpHandlers handlers = Handlers(absl::UnavailableError("draining"));
  EXPECT_EQ(RouteHttp("GET", "/livez", handlers).status, 200);
}

TEST(HttpRoutesTest, ReadinessHasItsReason) {
  EXPECT_EQ(RouteHttp("GET", "/readyz", Handlers(absl::OkStatus())).status, 200);
  const HttpResponse response =
      RouteHttp("GET", "/readyz", Handlers(absl::UnavailableError("draining")));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, "draining\n");
}

TEST(HttpRoutesTest, OtherPathsAreNotFound) {
  const HttpHandlers handlers = Handlers(absl::OkStatus());
  for (const char* path : {"/", "", "/metrics/", "/metricsx", "/../etc/passwd", "/METRICS"}) {
    EXPECT_EQ(RouteHttp("GET", path, handlers).status, 404) << path;
  }
}

TEST(HttpRoutesTest, OtherMethodsAreNotAllowed) {
  const HttpHandlers handlers = Handlers(absl::OkStatus());
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", ""}) {
    const HttpResponse response = RouteHttp(method, "/metrics", handlers);
    EXPECT_EQ(response.status, 405) << method;
    EXPECT_EQ(response.allow, "GET, HEAD");
  }
  EXPECT_EQ(RouteHttp("HEAD", "/metrics", handlers).status, 200);
}

}  // namespace
}  // namespace attentiond
