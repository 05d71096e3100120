// tests/client/render/attribution_test.cc -- words with effects, in the terminal and on a page.
#include "client/render/attribution.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"

namespace attentiond::client {
namespace {

Attribution Example() {
  Attribution attribution;
  attribution.result = "POSITIVE 0.750";
  attribution.explanation = "How much.";
  attribution.measures = {"score", "logit"};
  attribution.words = {{"", "not", {-0.25, -1}}, {" ", "bad", {0.5, 2}}, {"", "!", {}}};
  attribution.tail = " ...";
  return attribution;
}

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(EffectTextTest, HasASignUnlessItIsNothing) {
  EXPECT_EQ(EffectText(0.12345, true), "+0.123");
  EXPECT_EQ(EffectText(-0.12345, true), "-0.123");
  EXPECT_EQ(EffectText(-0.0004, true), "0.000");
  EXPECT_EQ(EffectText(0, true), "0.000");
  EXPECT_EQ(EffectText(0.12345, false), "0.123");
}

TEST(LargestEffectTest, IsAMagnitudeOfTheMeasureShown) {
  Attribution attribution = Example();
  EXPECT_EQ(LargestEffect(attribution), 0.5);
  attribution.shown = 1;
  EXPECT_EQ(LargestEffect(attribution), 2);
  attribution.words.clear();
  EXPECT_GT(LargestEffect(attribution), 0);
}

TEST(AttributionTerminalTest, ShowsSignsWithoutColor) {
  EXPECT_EQ(RenderAttributionTerminal(Example(), {}),
            "      score   logit\n"
            "not  -0.250  -1.000  ------\n"
            "bad  +0.500  +2.000  ++++++++++++\n"
            "  !       -       -\n");
}

TEST(AttributionTerminalTest, ColorsTheTextBySign) {
  const std::string out = RenderAttributionTerminal(Example(), {ColorDepth::kTrueColor, 80});
  const Rgb full = EffectColor(1), half = EffectColor(-0.5);
  EXPECT_TRUE(absl::StartsWith(out, Colored(" not ", half, ColorDepth::kTrueColor) +
                                        Colored(" bad ", full, ColorDepth::kTrueColor)))
      << out;
  EXPECT_TRUE(absl::StrContains(out, Colored("------", half, ColorDepth::kTrueColor))) << out;
}

TEST(AttributionTerminalTest, BreaksLinesBetweenWords) {
  const std::string out = RenderAttributionTerminal(Example(), {ColorDepth::k256, 11});
  // " not " and " bad " fit into eleven columns, " ! " does not.
  const std::string first = out.substr(0, out.find('\n'));
  EXPECT_TRUE(absl::StrContains(first, " bad ")) << out;
  EXPECT_FALSE(absl::StrContains(first, " ! ")) << out;
}

TEST(AttributionTerminalTest, PrintsNothingThatSteersTheTerminal) {
  Attribution attribution = Example();
  attribution.words[0].text = attribution.words[1].gap = attribution.tail = "\x1b[2J";
  EXPECT_FALSE(absl::StrContains(RenderAttributionTerminal(attribution, {}), "\x1b"));
  const std::string colored = RenderAttributionTerminal(attribution, {ColorDepth::k256, 0});
  EXPECT_FALSE(absl::StrContains(colored, "\x1b[2J"));
}

TEST(AttributionHtmlTest, ShowsWordsEffectsAndNumbers) {
  const std::string html = RenderAttributionHtml(Example());
  EXPECT_TRUE(absl::StrContains(html, "<h2>What each word does to POSITIVE 0.750</h2>"));
  EXPECT_TRUE(absl::StrContains(
      html, "<span><b class=\"e8\">not</b><small>-0.250</small></span> <span><b class=\"e32\">bad"))
      << html;
  EXPECT_TRUE(absl::StrContains(html, "<span><b class=\"e16\">!</b></span> ...</p>")) << html;
  EXPECT_EQ(Count(html, "scope=\"row\""), 3u);
  EXPECT_TRUE(absl::StrContains(html, "<td>+0.500</td><td>+2.000</td>")) << html;
  EXPECT_TRUE(absl::StrContains(html, "margin-left:25.0%;width:25.0%")) << html;
  EXPECT_TRUE(absl::StrContains(html, "margin-left:50.0%;width:50.0%")) << html;
}

TEST(AttributionHtmlTest, WithoutSignsBarsBeginAtTheLeft) {
  Attribution attribution = Example();
  attribution.has_signs = false;
  attribution.words = {{"", "a", {0.5, 2}}};
  const std::string html = RenderAttributionHtml(attribution);
  EXPECT_TRUE(absl::StrContains(html, "margin-left:0.0%;width:100.0%")) << html;
  EXPECT_FALSE(absl::StrContains(html, "+0.500"));
}

TEST(AttributionHtmlTest, EscapesEverythingFromOutside) {
  Attribution attribution = Example();
  const std::string hostile = "</section><script>alert('x')</script>\x1b";
  attribution.result = attribution.explanation = attribution.tail = hostile;
  attribution.words[0].gap = attribution.words[1].text = hostile;
  const std::string html = RenderAttributionHtml(attribution);
  EXPECT_EQ(Count(html, "<script>"), 0u);
  EXPECT_EQ(Count(html, "</section>"), 1u);
  EXPECT_EQ(Count(html, "\x1b"), 0u);
}

}  // namespace
}  // namespace attentiond::client
