// Which tokens are accepted, and which token files.
#include "server/grpc/bearer_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(BearerTokensTest, NoneRequired) { EXPECT_TRUE(BearerTokens().Check("").ok()); }

TEST(BearerTokensTest, AcceptsEachTokenAndNothingElse) {
  const BearerTokens tokens({"first-token", "second"});
  EXPECT_TRUE(tokens.Check("Bearer first-token").ok());
  EXPECT_TRUE(tokens.Check("bearer second").ok()) << "the scheme's case does not matter (RFC 9110)";
  for (const char* wrong :
       {"", "Bearer", "Bearer ", "first-token", "Bearer first-toke", "Bearer first-token2",
        "Bearer  first-token", "Basic first-token", "Bearer secondsecond", "Bearer secone"}) {
    EXPECT_EQ(tokens.Check(wrong).code(), absl::StatusCode::kUnauthenticated) << wrong;
  }
}

TEST(BearerTokensTest, ErrorsDoNotRepeatTheToken) {
  const BearerTokens tokens({"the-secret"});
  const std::string message(tokens.Check("Bearer wrong-one").message());
  EXPECT_THAT(message, Not(HasSubstr("the-secret")));
  EXPECT_THAT(message, Not(HasSubstr("wrong-one")));
}

class BearerTokenFileTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& text) { return directory_.Write("tokens", text); }
  testing::TemporaryDirectory directory_;
};

TEST_F(BearerTokenFileTest, OneTokenALine) {
  const auto tokens = BearerTokens::FromFile(Write("# old\nalpha\r\n\n  beta  \n"));
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_TRUE(tokens->Check("Bearer alpha").ok());
  EXPECT_TRUE(tokens->Check("Bearer beta").ok());
  EXPECT_FALSE(tokens->Check("Bearer # old").ok());
}

TEST_F(BearerTokenFileTest, RefusesWhatCannotBeMeant) {
  EXPECT_EQ(BearerTokens::FromFile(directory_.PathOf("absent")).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_THAT(BearerTokens::FromFile(Write("\n# nothing\n")).status().message(),
              HasSubstr("no token"));
  EXPECT_THAT(BearerTokens::FromFile(Write("good\ntwo words\n")).status().message(),
              HasSubstr("line 2"));
  EXPECT_FALSE(BearerTokens::FromFile(Write("caf\xc3\xa9\n")).ok());
}

}  // namespace
}  // namespace attentiond
