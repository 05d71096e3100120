#include "core/text/aligned_text.h"

#include <gtest/gtest.h>

namespace attentiond {
namespace {

TEST(AlignedTextTest, UnchangedTextIsItsOwnSource) {
  const AlignedText text("abc", 10);
  EXPECT_EQ(text.text(), "abc");
  EXPECT_EQ(text.Source(0, 3), (SourceSpan{10, 13}));
  EXPECT_EQ(text.Source(1, 2), (SourceSpan{11, 12}));
  const AlignedText slice = text.Slice(1, 3);
  EXPECT_EQ(slice.text(), "bc");
  EXPECT_EQ(slice.Source(0, 1), (SourceSpan{11, 12}));
}

TEST(AlignedTextTest, ChangesInPlaceKeepTheSource) {
  AlignedText text("ABC", 5);
  text.mutable_bytes()[1] = 'b';
  EXPECT_EQ(text.text(), "AbC");
  EXPECT_EQ(text.Source(1, 2), (SourceSpan{6, 7}));
}

TEST(AlignedTextTest, ARewriteRemembersEachCharactersSource) {
  AlignedText text;
  text.Append(U'é', {0, 3});  // two bytes of one source
  text.Append(U'x', {3, 4});
  text.Append(U'y', {9, 12});
  EXPECT_EQ(text.text(), "éxy");
  EXPECT_EQ(text.Source(0, 1), (SourceSpan{0, 3}));
  EXPECT_EQ(text.Source(1, 2), (SourceSpan{0, 3}));
  EXPECT_EQ(text.Source(0, 4), (SourceSpan{0, 12}));
  EXPECT_EQ(text.Source(2, 4), (SourceSpan{3, 12}));
  const AlignedText slice = text.Slice(2, 4);
  EXPECT_EQ(slice.text(), "xy");
  EXPECT_EQ(slice.Source(1, 2), (SourceSpan{9, 12}));
}

TEST(AlignedTextTest, MayBeEmpty) {
  EXPECT_EQ(AlignedText().text(), "");
  EXPECT_EQ(AlignedText("", 3).text(), "");
  EXPECT_EQ(AlignedText("abc", 0).Slice(1, 1).text(), "");
}

}  // namespace
}  // namespace attentiond
