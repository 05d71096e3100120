#include "core/weights/quoted.h"

#include <gtest/gtest.h>

#include <string>

namespace attentiond {
namespace {

TEST(QuotedTest, QuotesOnOneLine) {
  EXPECT_EQ(Quoted(""), "\"\"");
  EXPECT_EQ(Quoted("weight é"), "\"weight é\"");
  EXPECT_EQ(Quoted("a\nb\"c\\"), R"("a\nb\"c\\")");
}

TEST(QuotedTest, CutsLongTextsBetweenCharacters) {
  EXPECT_EQ(Quoted(std::string(80, 'x')), "\"" + std::string(80, 'x') + "\"");
  EXPECT_EQ(Quoted(std::string(81, 'x')), "\"" + std::string(80, 'x') + "...\"");
  // The two bytes of é are bytes 79 and 80.
  EXPECT_EQ(Quoted(std::string(79, 'x') + "éé"), "\"" + std::string(79, 'x') + "...\"");
}

}  // namespace
}  // namespace attentiond
