#include "client/channel.h"

#include <gtest/gtest.h>

#include "client/file.h"

namespace attentiond::client {
namespace {

TEST(CreateChannelTest, ConnectsLazily) {
  EXPECT_TRUE(CreateChannel({.address = "localhost:1"}).ok());
  EXPECT_TRUE(CreateChannel({.address = "localhost:1", .tls = true}).ok());
}

TEST(CreateChannelTest, NamesWhatIsWrong) {
  EXPECT_TRUE(absl::IsInvalidArgument(CreateChannel({.address = ""}).status()));
  const auto missing = CreateChannel({.tls_ca_file = "/nonexistent/ca.pem"});
  EXPECT_TRUE(absl::IsNotFound(missing.status()));
  EXPECT_NE(missing.status().message().find("/nonexistent/ca.pem"), absl::string_view::npos);
  EXPECT_TRUE(absl::IsInvalidArgument(CreateChannel({.tls_cert_file = "cert.pem"}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(CreateChannel({.tls_key_file = "key.pem"}).status()));

  const std::string path = testing::TempDir() + "/channel_test.pem";
  ASSERT_TRUE(WriteFile(path, "not a certificate").ok());
  const auto broken = CreateChannel({.tls_ca_file = path});
  EXPECT_EQ(broken.status(), absl::InvalidArgumentError(path + ": is not a PEM file"));
}

}  // namespace
}  // namespace attentiond::client
