// Tokens that change while calls are checked.
#include "server/grpc/token_file.h"

#include <gtest/gtest.h>

#include "tests/testing/temporary_directory.h"

namespace attentiond {
namespace {

class TokenFileTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& text) { return directory_.Write("tokens", text); }
  testing::TemporaryDirectory directory_;
};

TEST_F(TokenFileTest, NoFileLetsEverybodyIn) {
  const auto tokens = TokenFile::Open("");
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_TRUE((*tokens)->Check("").ok());
  const auto changed = (*tokens)->Reload();
  ASSERT_TRUE(changed.ok()) << changed.status();
  EXPECT_FALSE(*changed);
}

TEST_F(TokenFileTest, TheStartNeedsAGoodFile) {
  EXPECT_EQ(TokenFile::Open(directory_.PathOf("absent")).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(TokenFile::Open(Write("# none\n")).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(TokenFileTest, TheLastGoodFileHolds) {
  const auto tokens = TokenFile::Open(Write("old\n"));
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_EQ((*tokens)->Reload().value(), false) << "nothing has changed";
  Write("# being written\n");
  EXPECT_FALSE((*tokens)->Reload().ok());
  EXPECT_TRUE((*tokens)->Check("Bearer old").ok());
  Write("new\n");
  EXPECT_EQ((*tokens)->Reload().value(), true);
  EXPECT_TRUE((*tokens)->Check("Bearer new").ok());
  EXPECT_EQ((*tokens)->Check("Bearer old").code(), absl::StatusCode::kUnauthenticated);
}

}  // namespace
}  // namespace attentiond
