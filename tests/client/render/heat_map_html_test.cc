#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "client/render/heat_map.h"

namespace attentiond::client {
namespace {

HeatMapPage Page() {
  return {"my cat",
          "sentiment",
          {{"POSITIVE", 0.9}, {"NEGATIVE", 0.1}},
          {{"Layer 0, head 1", {"my", "cat"}, {"my", "cat"}, {0.25f, 0.75f, 1.0f, 0.0f}}}};
}

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(HeatMapHtmlTest, ShowsTextScoresAndTable) {
  const std::string html = RenderHeatMapHtml(Page());
  EXPECT_TRUE(absl::StartsWith(html, "<!doctype html>\n<html lang=\"en\">"));
  EXPECT_TRUE(absl::StrContains(html, "<h1>my cat</h1>"));
  EXPECT_TRUE(absl::StrContains(html, "90.0 %"));
  EXPECT_EQ(Count(html, "scope=\"row\""), 2u);
  EXPECT_EQ(Count(html, "scope=\"col\""), 2u);
  EXPECT_TRUE(absl::StrContains(html, "<td class=\"c32\" data-w=\"1000\">100</td>")) << html;
  EXPECT_TRUE(absl::StrContains(html, "<td class=\"c0\"></td>")) << html;
}

TEST(HeatMapHtmlTest, SeveralMapsGetAChoice) {
  HeatMapPage page = Page();
  EXPECT_EQ(Count(RenderHeatMapHtml(page), "<select>"), 0u);
  page.maps.push_back(page.maps[0]);
  page.maps[1].title = "Layer 1, head 0";
  const std::string html = RenderHeatMapHtml(page);
  EXPECT_EQ(Count(html, "<option>"), 2u);
  EXPECT_EQ(Count(html, "<figure"), 2u);
}

TEST(HeatMapHtmlTest, ReachesNoNetwork) {
  const std::string html = RenderHeatMapHtml(Page());
  EXPECT_TRUE(absl::StrContains(html, "Content-Security-Policy\" content=\"default-src 'none';"));
  for (const char* part : {"http:", "https:", "//", "src=", "href=", "@import", "url("}) {
    EXPECT_EQ(Count(html, part), 0u) << part;
  }
}

TEST(HeatMapHtmlTest, NoModelNoLabelsNoScores) {
  HeatMapPage page = Page();
  page.scores.clear();
  EXPECT_FALSE(absl::StrContains(RenderHeatMapHtml(page), "What the model says"));
}

TEST(HeatMapHtmlTest, EscapesEverythingFromOutside) {
  HeatMapPage page = Page();
  const std::string hostile = "</style></title><script>alert('x')</script>\x1b";
  page.text = page.model = hostile;
  page.scores[0].first = hostile;
  page.maps[0].title = page.maps[0].row_labels[0] = page.maps[0].column_labels[1] = hostile;
  const std::string html = RenderHeatMapHtml(page);
  EXPECT_EQ(Count(html, "<script>"), 1u) << "the page's own";
  EXPECT_EQ(Count(html, "</title>"), 1u);
  EXPECT_EQ(Count(html, "</style>"), 1u);
  EXPECT_EQ(Count(html, "\x1b"), 0u);
  EXPECT_TRUE(absl::StrContains(html, "&lt;script&gt;alert(&#39;x&#39;)"));
}

}  // namespace
}  // namespace attentiond::client
