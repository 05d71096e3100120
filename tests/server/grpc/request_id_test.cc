// Request ids: unique when made here, checked when taken over.
#include "server/grpc/request_id.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace attentiond {
namespace {

TEST(RequestIdTest, DoNotRepeatAndAreValid) {
  RequestIdSource source;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = source.Next();
    EXPECT_TRUE(IsValidRequestId(id)) << id;
    EXPECT_TRUE(seen.insert(id).second) << id;
  }
}

TEST(RequestIdTest, OnlyPrintableAsciiIsTakenOver) {
  EXPECT_TRUE(IsValidRequestId("7f3a/x_1.2~"));
  EXPECT_TRUE(IsValidRequestId(std::string(128, 'a')));
  EXPECT_FALSE(IsValidRequestId(""));
  EXPECT_FALSE(IsValidRequestId(std::string(129, 'a')));
  EXPECT_FALSE(IsValidRequestId("two words"));
  EXPECT_FALSE(IsValidRequestId("line\nbreak"));
  EXPECT_FALSE(IsValidRequestId("caf\xc3\xa9"));
}

}  // namespace
}  // namespace attentiond
