#include "client/render/escape.h"

#include <gtest/gtest.h>

namespace attentiond::client {
namespace {

constexpr char kReplacement[] = "\xef\xbf\xbd";

TEST(PrintableTest, LeavesTextAlone) {
  EXPECT_EQ(Printable(""), "");
  EXPECT_EQ(Printable("I love my cat, \xc3\xa9t\xc3\xa9, \xe7\x8c\xab, \xf0\x9f\x90\x88."),
            "I love my cat, \xc3\xa9t\xc3\xa9, \xe7\x8c\xab, \xf0\x9f\x90\x88.");
  // Joiners keep emoji together.
  EXPECT_EQ(Printable("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac"),
            "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac");
}

TEST(PrintableTest, ControlsBecomePictures) {
  EXPECT_EQ(Printable("\x1b[2J"), "\xe2\x90\x9b[2J");
  EXPECT_EQ(Printable("a\r\nb\tc"),
            "a\xe2\x90\x8d\xe2\x90\x8a"
            "b\xe2\x90\x89"
            "c");
  EXPECT_EQ(Printable(std::string("\0", 1)), "\xe2\x90\x80");
  EXPECT_EQ(Printable("\x7f"), "\xe2\x90\xa1");
}

TEST(PrintableTest, NothingSteersTheTerminalOrReorders) {
  EXPECT_EQ(Printable("\xc2\x9b"), kReplacement) << "C1: control sequence introducer";
  EXPECT_EQ(Printable("\xe2\x80\xae"), kReplacement) << "right-to-left override";
  EXPECT_EQ(Printable("\xe2\x81\xa6"), kReplacement) << "left-to-right isolate";
  EXPECT_EQ(Printable("\xe2\x80\xa8"), kReplacement) << "line separator";
  // No control survives, whatever the bytes.
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      const std::string safe = Printable(text);
      for (const char c : safe) {
        EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << first << " " << second;
      }
      EXPECT_EQ(Printable(safe), safe) << first << " " << second;
    }
  }
}

TEST(PrintableTest, BytesThatAreNotUtf8AreReplaced) {
  EXPECT_EQ(Printable("a\xff"), std::string("a") + kReplacement);
  EXPECT_EQ(Printable("\xc0\xaf"), std::string(kReplacement) + kReplacement) << "overlong";
  EXPECT_EQ(Printable("\xed\xa0\x80").find('\xed'), std::string::npos) << "surrogate";
}

TEST(EscapeMarkupTest, NoMarkupSurvives) {
  EXPECT_EQ(EscapeMarkup("<script>alert('x' && \"y\")</script>"),
            "&lt;script&gt;alert(&#39;x&#39; &amp;&amp; &quot;y&quot;)&lt;/script&gt;");
  EXPECT_EQ(EscapeMarkup("]]>"), "]]&gt;");
  EXPECT_EQ(EscapeMarkup("\x01"), "\xe2\x90\x81") << "not allowed in XML at all";
}

}  // namespace
}  // namespace attentiond::client
