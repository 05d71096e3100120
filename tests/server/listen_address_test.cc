#include "server/listen_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace attentiond {
namespace {

TEST(ListenAddressTest, ParsesHostAndPort) {
  const struct {
    const char* text;
    const char* host;
    int port;
  } cases[] = {{"0.0.0.0:8001", "0.0.0.0", 8001},
               {"localhost:0", "localhost", 0},
               {"[::]:65535", "[::]", 65535},
               {"[fe80::1]:1", "[fe80::1]", 1}};
  for (const auto& c : cases) {
    const auto address = ParseListenAddress(c.text);
    ASSERT_TRUE(address.ok()) << address.status();
    EXPECT_EQ(address->host, c.host);
    EXPECT_EQ(address->port, c.port);
  }
}

TEST(ListenAddressTest, RefusesTheRestAndSaysHow) {
  for (const char* text :
       {"", "8001", ":8001", "localhost", "localhost:", "localhost:-1", "localhost:65536",
        "localhost:+1", "localhost: 1", "localhost:8001s", "localhost:80,81", "a b:1", "::1:8001",
        "[::1:8001", "[]:1", "[x]:1", "localhost:99999999999999999999"}) {
    const auto address = ParseListenAddress(text);
    EXPECT_EQ(address.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(address.status().message()), testing::HasSubstr("0.0.0.0:8001"));
  }
}

}  // namespace
}  // namespace attentiond
