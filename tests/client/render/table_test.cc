#include "client/render/table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"

namespace attentiond::client {
namespace {

TEST(TableTest, AlignsColumns) {
  Table table({{"label"}, {"score", Align::kRight}});
  table.AddRow({"POSITIVE", "0.9"});
  table.AddRow({"NO", "0.10"});
  EXPECT_EQ(table.Render(0),
            "label     score\n"
            "POSITIVE    0.9\n"
            "NO         0.10\n");
}

TEST(TableTest, AlignsWideCharacters) {
  Table table({{""}, {""}});
  table.AddRow({"\xe7\x8c\xab", "x"});
  table.AddRow({"cats", "x"});
  EXPECT_EQ(table.Render(0), "\xe7\x8c\xab    x\ncats  x\n");
}

TEST(TableTest, ShrinksOnlyWhatMay) {
  Table table({{"label"}, {"text", Align::kLeft, true}});
  table.AddRow({"POSITIVE", "a text that is rather long \xe7\x8c\xab\xe7\x8c\xab\xe7\x8c\xab"});
  for (const int max_width : {18, 20, 25, 37, 38, 42, 80}) {
    for (const absl::string_view line : absl::StrSplit(table.Render(max_width), '\n')) {
      EXPECT_LE(DisplayWidth(line), max_width) << line;
    }
  }
  EXPECT_EQ(table.Render(20), "label     text\nPOSITIVE  a text th…\n");
  // Eight columns are kept even when the terminal is narrower.
  EXPECT_EQ(table.Render(5), "label     text\nPOSITIVE  a text …\n");
}

TEST(TableTest, CellsCannotSteerTheTerminal) {
  Table table({{"text"}});
  table.AddRow({"\x1b]0;title\x07\nnew line"});
  const std::string out = table.Render(0);
  EXPECT_EQ(out.find('\x1b'), std::string::npos);
  EXPECT_EQ(std::vector<std::string>(absl::StrSplit(out, '\n')).size(), 3u) << out;
}

TEST(TableTest, NoRows) {
  const Table table({{"label"}});
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(table.Render(80), "label\n");
}

}  // namespace
}  // namespace attentiond::client
