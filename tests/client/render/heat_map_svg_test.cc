#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "client/render/heat_map.h"

namespace attentiond::client {
namespace {

HeatMap TwoWords() {
  return {"Layer 0, head 1", {"my", "cat"}, {"my", "cat"}, {0.25f, 0.75f, 1.0f, 0.001f}};
}

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(HeatMapSvgTest, HasACellForEachWeight) {
  const std::string svg = RenderHeatMapSvg(TwoWords());
  EXPECT_EQ(Count(svg, "<g><title>"), 4u);
  EXPECT_TRUE(absl::StrContains(svg, "<title>my → cat: 75 %</title>")) << svg;
  EXPECT_TRUE(absl::StrContains(svg, "<title>cat → cat: &lt;1 %</title>")) << svg;
}

TEST(HeatMapSvgTest, SpeaksToScreenReaders) {
  const std::string svg = RenderHeatMapSvg(TwoWords());
  EXPECT_TRUE(absl::StrContains(svg, "role=\"img\" aria-labelledby=\"title description\""));
  EXPECT_TRUE(absl::StrContains(svg, "<title id=\"title\">Attention: Layer 0, head 1</title>"));
  EXPECT_TRUE(absl::StrContains(svg, "cat looks most at my, 100 %."));
}

TEST(HeatMapSvgTest, IsSelfContained) {
  const std::string svg = RenderHeatMapSvg(TwoWords());
  EXPECT_EQ(Count(svg, "http"), 1u) << "only the namespace";
  EXPECT_EQ(Count(svg, "<script"), 0u);
  EXPECT_EQ(Count(svg, "url("), 0u);
}

TEST(HeatMapSvgTest, EscapesLabelsAndTitle) {
  HeatMap map = TwoWords();
  map.title = "</title><script>alert(1)</script>";
  map.row_labels[0] = "<b onmouseover='x'>";
  map.column_labels[1] = "a&b\x1b\"";
  const std::string svg = RenderHeatMapSvg(map);
  EXPECT_EQ(Count(svg, "<script"), 0u);
  EXPECT_EQ(Count(svg, "<b "), 0u);
  EXPECT_EQ(Count(svg, "\x1b"), 0u);
  EXPECT_TRUE(absl::StrContains(svg, "a&amp;b\xe2\x90\x9b&quot;"));
}

// Every element that is opened is closed, in order: what an XML parser asks first.
TEST(HeatMapSvgTest, TagsAreBalanced) {
  for (const HeatMap& map : {TwoWords(), HeatMap{}, HeatMap{"<&>", {"<"}, {">"}, {0.5f}}}) {
    const std::string svg = RenderHeatMapSvg(map);
    std::vector<std::string> open;
    for (size_t at = svg.find('<'); at != std::string::npos; at = svg.find('<', at + 1)) {
      const std::string tag = svg.substr(at + 1, svg.find('>', at) - at - 1);
      if (tag[0] == '?' || tag.back() == '/') continue;
      if (tag[0] == '/') {
        ASSERT_FALSE(open.empty());
        EXPECT_EQ(tag.substr(1), open.back());
        open.pop_back();
      } else {
        open.push_back(tag.substr(0, tag.find(' ')));
      }
    }
    EXPECT_TRUE(open.empty());
  }
}

}  // namespace
}  // namespace attentiond::client
