#include "server/inference/text_stream.h"

#include <gtest/gtest.h>

#include "tests/testing/spelling_generator.h"

namespace attentiond {
namespace {

using testing::SpellingGenerator;

TEST(TextStreamTest, TellsEachTokenOnce) {
  const SpellingGenerator generator({"a", " cat", "", "s"});
  TextStream stream(&generator);
  EXPECT_EQ(stream.Add(0), "a");
  EXPECT_EQ(stream.Add(1), " cat");
  EXPECT_EQ(stream.Add(2), "") << "a special token";
  EXPECT_EQ(stream.Add(3), "s");
  EXPECT_EQ(stream.Finish("a cats"), "");
}

TEST(TextStreamTest, WaitsForTheBytesOfACharacter) {
  const SpellingGenerator generator({"x", "\xc3", "\xa9", "y"});
  TextStream stream(&generator);
  EXPECT_EQ(stream.Add(0), "x");
  EXPECT_EQ(stream.Add(1), "");
  EXPECT_EQ(stream.Add(2), "\u00e9");
  EXPECT_EQ(stream.Add(3), "y");
}

TEST(TextStreamTest, TakesNothingBack) {
  const SpellingGenerator generator({"a", "b"});
  TextStream stream(&generator);
  EXPECT_EQ(stream.Add(0), "a");
  EXPECT_EQ(stream.Finish("other"), "");
  EXPECT_EQ(stream.Finish("ab"), "b");
}

}  // namespace
}  // namespace attentiond
