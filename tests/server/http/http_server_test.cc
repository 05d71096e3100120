#include "server/http/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/clock.h"
#include "tests/testing/http_client.h"

namespace attentiond {
namespace {

using ::attentiond::testing::HttpGet;
using ::attentiond::testing::HttpReply;
using ::attentiond::testing::HttpRequest;
using ::attentiond::testing::LocalConnection;
using ::attentiond::testing::ParseHttpReply;
using ::testing::HasSubstr;

class HttpServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto server = HttpServer::Start(
        "127.0.0.1:0",
        {.metrics = [] { return std::string("a_total 1\n"); },
         .readiness =
             [] { return ready_ ? absl::OkStatus() : absl::UnavailableError("loading models"); }});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = std::move(server).value();
  }
  static void TearDownTestSuite() { server_.reset(); }
  void SetUp() override { ASSERT_NE(server_, nullptr); }

  inline static std::atomic<bool> ready_{true};
  inline static std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersOverTheWire) {
  ASSERT_GT(server_->port(), 0);
  const HttpReply metrics = HttpGet(server_->port(), "/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_EQ(metrics.body, "a_total 1\n");
  EXPECT_THAT(metrics.head, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  EXPECT_THAT(metrics.head, HasSubstr("Content-Length: 10\r\n"));
  EXPECT_EQ(HttpGet(server_->port(), "/livez").status, 200);
  EXPECT_EQ(HttpGet(server_->port(), "/readyz?verbose=1").status, 200);
  EXPECT_EQ(HttpGet(server_->port(), "/").status, 404);
}

TEST_F(HttpServerTest, ReadinessChanges) {
  ready_ = false;
  const HttpReply reply = HttpGet(server_->port(), "/readyz");
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.body, "loading models\n");
  ready_ = true;
  EXPECT_EQ(HttpGet(server_->port(), "/readyz").status, 200);
}

TEST_F(HttpServerTest, HeadHasNoBodyAndOtherMethodsAreRefused) {
  const HttpReply head = HttpRequest(server_->port(), "HEAD", "/metrics");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.body, "");
  EXPECT_THAT(head.head, HasSubstr("Content-Length: 10\r\n"));
  const HttpReply post = HttpRequest(server_->port(), "POST", "/metrics");
  EXPECT_EQ(post.status, 405);
  EXPECT_THAT(post.head, HasSubstr("Allow: GET, HEAD\r\n"));
}

TEST_F(HttpServerTest, SurvivesWhatIsNotHttp) {
  const std::string hostile[] = {
      "\r\n\r\n",
      "GET\r\n\r\n",
      std::string("\0\1\2\r\n\r\n", 7),
      "GET /metrics HTTP/9.9\r\n\r\n",
      absl::StrCat("GET /", std::string(100'000, 'a'), " HTTP/1.1\r\n\r\n"),
      absl::StrCat("GET /metrics HTTP/1.1\r\nX: ", std::string(100'000, 'a'), "\r\n\r\n"),
      "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n",
      "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
  };
  for (const std::string& bytes : hostile) {
    LocalConnection connection(server_->port());
    connection.Send(bytes);
    connection.FinishSending();
    const int status = ParseHttpReply(connection.ReadAll()).status;
    EXPECT_TRUE(status == 0 || status >= 400) << status << " for " << bytes.substr(0, 50);
    EXPECT_EQ(HttpGet(server_->port(), "/livez").status, 200);
  }
}

TEST_F(HttpServerTest, ManyClientsAtOnce) {
  std::atomic<int> answered{0};
  std::vector<std::thread> clients;
  for (int client = 0; client < 8; ++client) {
    clients.emplace_back([&answered] {
      for (int request = 0; request < 20; ++request) {
        if (HttpGet(server_->port(), "/metrics").status == 200) ++answered;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answered, 8 * 20);
}

TEST_F(HttpServerTest, APortInUseIsSaidSo) {
  const std::string address = absl::StrCat("127.0.0.1:", server_->port());
  const auto second = HttpServer::Start(address, {});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()),
              ::testing::AllOf(HasSubstr(address), HasSubstr("Address already in use")));
}

TEST(HttpServerStartTest, StopsListening) {
  auto server = HttpServer::Start("127.0.0.1:0", {});
  ASSERT_TRUE(server.ok()) << server.status();
  const int port = (*server)->port();
  EXPECT_TRUE(LocalConnection(port).connected());
  server->reset();
  EXPECT_FALSE(LocalConnection(port).connected());
}

TEST(HttpServerStartTest, RefusesWhatIsNotAnAddress) {
  for (const char* address : {"8002", "127.0.0.1:80,127.0.0.1:81", "127.0.0.1:443s", ""}) {
    EXPECT_EQ(HttpServer::Start(address, {}).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(HttpServerStartTest, SaysWhenThereIsNoIpv6) {
  const auto server = HttpServer::Start("[::1]:0", {});
  if (server.ok()) GTEST_SKIP() << "this build of civetweb has IPv6";
  EXPECT_THAT(std::string(server.status().message()),
              ::testing::AllOf(HasSubstr("[::1]:0"), HasSubstr("IPv6")));
}

TEST(HttpServerStartTest, ListensOnNamesAndOnEveryInterface) {
  for (const char* address : {"localhost:0", "0.0.0.0:0"}) {
    auto server = HttpServer::Start(address, {});
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_EQ(HttpGet((*server)->port(), "/livez").status, 200) << address;
    // civetweb alone would take two seconds to stop.
    const absl::Time start = Clock::Real()->Now();
    server->reset();
    EXPECT_LT(Clock::Real()->Now() - start, absl::Milliseconds(1900)) << address;
  }
}

}  // namespace
}  // namespace attentiond
