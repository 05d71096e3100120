#include "client/render/display_width.h"

#include <gtest/gtest.h>

namespace attentiond::client {
namespace {

TEST(DisplayWidthTest, CountsColumns) {
  EXPECT_EQ(DisplayWidth(""), 0);
  EXPECT_EQ(DisplayWidth("cat"), 3);
  EXPECT_EQ(DisplayWidth("\xc3\xa9"), 1) << "e acute";
  EXPECT_EQ(DisplayWidth("e\xcc\x81"), 1) << "e and a combining acute";
  EXPECT_EQ(DisplayWidth("\xe7\x8c\xab\xe3\x81\xaf"), 4) << "two wide characters";
  EXPECT_EQ(DisplayWidth("\xef\xbd\xb1"), 1) << "half-width katakana";
  EXPECT_EQ(DisplayWidth("\xf0\x9f\x90\x88"), 2) << "emoji";
  EXPECT_EQ(DisplayWidth("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac"), 2) << "emoji sequence";
  EXPECT_EQ(DisplayWidth("\xe2\x9d\xa4\xef\xb8\x8f"), 2) << "heart in emoji presentation";
  EXPECT_EQ(DisplayWidth("\xd9\x82\xd8\xb7\xd8\xa9"), 3) << "Arabic";
}

TEST(TruncateToWidthTest, KeepsWhatFits) {
  EXPECT_EQ(TruncateToWidth("cat", 3), "cat");
  EXPECT_EQ(TruncateToWidth("cats", 3), "ca…");
  EXPECT_EQ(TruncateToWidth("cats", 1), "…");
  EXPECT_EQ(TruncateToWidth("cats", 0), "");
  EXPECT_EQ(TruncateToWidth("", 0), "");
}

TEST(TruncateToWidthTest, NeverCutsACharacter) {
  const std::string wide = "\xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab";
  EXPECT_EQ(TruncateToWidth(wide, 6), wide);
  EXPECT_EQ(TruncateToWidth(wide, 5), "\xe7\x8c\xab\xe7\x8c\xab…");
  EXPECT_EQ(TruncateToWidth(wide, 4), "\xe7\x8c\xab…") << "three columns: half a character is none";
  EXPECT_EQ(TruncateToWidth("e\xcc\x81xy", 2), "e\xcc\x81…");
}

TEST(FitToWidthTest, FillsUp) {
  EXPECT_EQ(FitToWidth("cat", 6, Align::kLeft), "cat   ");
  EXPECT_EQ(FitToWidth("cat", 6, Align::kRight), "   cat");
  EXPECT_EQ(FitToWidth("cat", 6, Align::kCenter), " cat  ");
  EXPECT_EQ(FitToWidth("\xe7\x8c\xab", 4, Align::kRight), "  \xe7\x8c\xab");
  for (int columns = 1; columns < 8; ++columns) {
    const std::string fitted = FitToWidth(
        "\xe7\x8c\xab\xe7\x8c\xab"
        "a",
        columns, Align::kCenter);
    EXPECT_EQ(DisplayWidth(fitted), columns) << fitted;
  }
}

}  // namespace
}  // namespace attentiond::client
