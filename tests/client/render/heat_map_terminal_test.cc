#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "client/render/display_width.h"
#include "client/render/heat_map.h"

namespace attentiond::client {
namespace {

HeatMap TwoWords() { return {"", {"my", "cat"}, {"my", "cat"}, {0.25f, 0.75f, 1.0f, 0.0f}}; }

HeatMap Diagonal(size_t size) {
  HeatMap map;
  for (size_t i = 0; i < size; ++i) {
    map.row_labels.push_back("word" + std::to_string(i));
    for (size_t j = 0; j < size; ++j) map.weights.push_back(i == j ? 1.0f : 0.0f);
  }
  map.column_labels = map.row_labels;
  return map;
}

std::string WithoutColor(const std::string& text) {
  return std::regex_replace(text, std::regex("\x1b\\[[0-9;]*m"), "");
}

TEST(HeatMapTerminalTest, PlainText) {
  EXPECT_EQ(RenderHeatMapTerminal(TwoWords(), {}),
            "     my  cat\n"
            " my  25   75*\n"
            "cat 100*   0\n");
}

TEST(HeatMapTerminalTest, ColorsDoNotChangeTheLayout) {
  const std::string colored = RenderHeatMapTerminal(TwoWords(), {ColorDepth::kTrueColor, 0});
  EXPECT_TRUE(absl::StrContains(colored, "\x1b[48;2;43;35;98m\x1b[38;2;255;255;255m 100 \x1b[0m"))
      << colored;
  EXPECT_EQ(WithoutColor(colored),
            "     my  cat\n"
            " my   25   75 \n"
            "cat  100    0 \n");
  const std::string indexed = RenderHeatMapTerminal(TwoWords(), {ColorDepth::k256, 0});
  EXPECT_FALSE(absl::StrContains(indexed, "48;2;"));
  EXPECT_EQ(WithoutColor(indexed), WithoutColor(colored));
}

TEST(HeatMapTerminalTest, EveryColorIsSwitchedOffOnItsLine) {
  const std::string out = RenderHeatMapTerminal(Diagonal(5), {ColorDepth::k256, 80});
  for (const absl::string_view line : absl::StrSplit(out, '\n')) {
    EXPECT_TRUE(!absl::StrContains(line, "\x1b") || absl::EndsWith(line, "\x1b[0m")) << line;
  }
}

TEST(HeatMapTerminalTest, FitsTheTerminal) {
  for (const size_t size : {1u, 5u, 10u, 40u}) {
    for (const int columns : {40, 80, 120}) {
      const std::string out =
          RenderHeatMapTerminal(Diagonal(size), {ColorDepth::kTrueColor, columns});
      for (const absl::string_view line : absl::StrSplit(WithoutColor(out), '\n')) {
        EXPECT_LE(DisplayWidth(line), columns) << size << ": " << line;
      }
    }
  }
}

TEST(HeatMapTerminalTest, NarrowTerminalsNumberTheColumns) {
  const std::string out = RenderHeatMapTerminal(Diagonal(6), {ColorDepth::kNone, 40});
  EXPECT_TRUE(absl::StartsWith(out, "          1    2    3    4    5    6\n")) << out;
  EXPECT_TRUE(absl::StrContains(out, " 6 word5")) << out;
}

TEST(HeatMapTerminalTest, VeryNarrowTerminalsGetBlocks) {
  const std::string out = RenderHeatMapTerminal(Diagonal(6), {ColorDepth::kNone, 26});
  // Each block has its header and all rows.
  const std::vector<std::string> lines = absl::StrSplit(out, '\n');
  EXPECT_EQ(lines.size(), 2 * 7 + 1 + 1u) << out;
}

TEST(HeatMapTerminalTest, EmptyMap) { EXPECT_EQ(RenderHeatMapTerminal({}, {}), ""); }

TEST(HeatMapTerminalTest, LabelsCannotSteerTheTerminal) {
  HeatMap map = TwoWords();
  map.row_labels[0] = "\x1b[31mred";
  map.column_labels[1] = "a\nb\xc2\x9b";
  const std::string out = RenderHeatMapTerminal(map, {});
  EXPECT_EQ(out.find('\x1b'), std::string::npos);
  EXPECT_EQ(out.find("\xc2\x9b"), std::string::npos);
  EXPECT_EQ(std::vector<std::string>(absl::StrSplit(out, '\n')).size(), 4u) << out;
}

TEST(PercentTest, Rounds) {
  EXPECT_EQ(Percent(0), "0");
  EXPECT_EQ(Percent(0.004), "<1");
  EXPECT_EQ(Percent(0.005), "1");
  EXPECT_EQ(Percent(0.424), "42");
  EXPECT_EQ(Percent(1), "100");
}

}  // namespace
}  // namespace attentiond::client
