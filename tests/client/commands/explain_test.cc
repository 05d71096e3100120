#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "client/file.h"
#include "tests/client/commands/fake_server.h"
#include "tests/client/commands/program_run.h"

namespace attentiond::client {
namespace {

class ExplainTest : public testing::Test {
 protected:
  ProgramRun Run(const std::vector<std::string>& arguments, const std::string& input = "") {
    return RunWith(server_.address(), arguments, input);
  }
  FakeServer server_;
};

TEST_F(ExplainTest, PrintsAHeatMap) {
  const ProgramRun run = Run({"explain", "-m", "sentiment", "I love"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "I love\n"
            "POSITIVE 0.750   NEGATIVE 0.250   \n"
            "\n"
            "Mean of the layers and heads, % of each row\n"
            "      [CLS]   I   love  [SEP]\n"
            "[CLS]   50*   17    17    17\n"
            "    I   17    50*   17    17\n"
            " love   17    17    50*   17\n"
            "[SEP]   17    17    17    50*\n");
}

TEST_F(ExplainTest, ColorOnlyWhereItIsWanted) {
  const auto run = [&](const char* when, ColorDepth color) {
    return RunWith(server_.address(), {"explain", "--color", when, "cat"}, "", 80, color).out;
  };
  EXPECT_FALSE(absl::StrContains(run("auto", ColorDepth::kNone), "\x1b["));
  EXPECT_TRUE(absl::StrContains(run("auto", ColorDepth::kTrueColor), "\x1b[48;2;"));
  EXPECT_FALSE(absl::StrContains(run("never", ColorDepth::kTrueColor), "\x1b["));
  EXPECT_TRUE(absl::StrContains(run("always", ColorDepth::kNone), "\x1b[48;5;"));
}

TEST_F(ExplainTest, SelectsLayersAndHeads) {
  const auto titles = [&](const std::vector<std::string>& flags) {
    std::vector<std::string> arguments = {"explain", "--json", "cat"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    std::string found;
    const nlohmann::json json = nlohmann::json::parse(Run(arguments).out);
    for (const auto& map : json["maps"]) {
      found += map.contains("layer") ? std::to_string(map["layer"].get<int>()) : "-";
      found += map.contains("head") ? std::to_string(map["head"].get<int>()) : "-";
      found += " ";
    }
    return found;
  };
  EXPECT_EQ(titles({}), "-- ");
  EXPECT_EQ(titles({"--layer", "1"}), "1- ");
  EXPECT_EQ(titles({"--head", "0,1"}), "-0 -1 ");
  EXPECT_EQ(titles({"--layer", "all"}), "0- 1- ");
  EXPECT_EQ(titles({"--layer", "all", "--head", "1"}), "01 11 ");
  EXPECT_EQ(titles({"--layer", "all", "--head", "all"}), "00 01 10 11 ");
  EXPECT_EQ(titles({"--layer", "0", "--head", "1", "--mean"}), "-- ");
  // As the help shows it, the text comes last.
  const ProgramRun last = Run({"explain", "--layer", "0", "--head", "1", "cat"});
  EXPECT_TRUE(absl::StrContains(last.out, "Layer 0, head 1")) << last.err;
}

TEST_F(ExplainTest, RollsOut) {
  const ProgramRun run = Run({"explain", "--rollout", "I"});
  EXPECT_TRUE(absl::StrContains(run.out, "\nRollout of layers 0 to 1, % of each row\n")) << run.out;
  const ProgramRun first = Run({"explain", "--rollout", "--layer", "0", "I"});
  EXPECT_TRUE(absl::StrContains(first.out, "\nRollout of layer 0, % of each row\n")) << first.out;
  EXPECT_EQ(Run({"explain", "--rollout", "--mean", "I"}).exit_code, 64);
}

TEST_F(ExplainTest, PrintsWhatEachWordDoes) {
  const ProgramRun run = Run({"explain", "-m", "sentiment", "--attribution", "I love it"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "I love it\n"
            "POSITIVE 0.750   NEGATIVE 0.250   \n"
            "\n"
            "What each word does to POSITIVE 0.750\n"
            "By how much the score and the logit fall when a word is left out. Above zero a word "
            "speaks for POSITIVE, below zero against it.\n"
            "\n"
            "       score   logit\n"
            "   I  -0.125  -0.250  ---\n"
            "love  +0.500  +2.000  ++++++++++++\n"
            "  it  -0.125  -0.250  ---\n");
  const ProgramRun by_logit = Run({"explain", "--attribution", "--by", "logit", "I love it"});
  EXPECT_TRUE(absl::StrContains(by_logit.out, "-0.250  --\n")) << by_logit.out;
}

TEST_F(ExplainTest, PrintsHowFarAnEmbeddingTurns) {
  const ProgramRun run = Run({"explain", "-m", "embed", "--attribution", "I love"});
  EXPECT_EQ(run.out,
            "I love\n"
            "\n"
            "What each word does to the embedding\n"
            "How far the embedding turns when a word is left out: 1 - cosine.\n"
            "\n"
            "        turn\n"
            "   I   0.250  ++++++++++++\n"
            "love   0.250  ++++++++++++\n");
}

TEST_F(ExplainTest, PrintsMapsBesideAttributionWhenAskedTo) {
  EXPECT_FALSE(absl::StrContains(Run({"explain", "--attribution", "I"}).out, "% of each row"));
  for (const char* flag : {"--mean", "--rollout", "--words", "--hide-special"}) {
    const ProgramRun run = Run({"explain", "--attribution", flag, "I"});
    EXPECT_TRUE(absl::StrContains(run.out, "What each word does")) << flag;
    EXPECT_TRUE(absl::StrContains(run.out, "% of each row")) << flag;
  }
}

TEST_F(ExplainTest, AttributionAsJson) {
  const ProgramRun run =
      Run({"explain", "--attribution", "--label", "NEGATIVE", "--json", "I love"});
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_FALSE(json.contains("maps"));
  EXPECT_EQ(json["labels"][0]["label"], "POSITIVE");
  EXPECT_EQ(json["attribution"], nlohmann::json::parse(R"({
    "label": "NEGATIVE", "score": 0.75, "logit": 1.0, "words": [
      {"text": "I", "sequence": 0, "byte_begin": 0, "byte_end": 1,
       "score_effect": -0.125, "logit_effect": -0.25},
      {"text": "love", "sequence": 0, "byte_begin": 2, "byte_end": 6,
       "score_effect": 0.5, "logit_effect": 2.0}]})"));
}

TEST_F(ExplainTest, LabelsAndMeasuresAreOfAttribution) {
  EXPECT_EQ(Run({"explain", "--label", "POSITIVE", "I"}).exit_code, 64);
  EXPECT_EQ(Run({"explain", "--by", "logit", "I"}).exit_code, 64);
  EXPECT_EQ(Run({"explain", "--attribution", "--by", "guess", "I"}).exit_code, 64);
}

TEST_F(ExplainTest, MergesWordsAndHidesSpecialTokens) {
  const ProgramRun run = Run({"explain", "--words", "--hide-special", "lovely cat"});
  // Five tokens: 0.5 to itself, 0.125 to each other. From "lovely" to itself: the mean over its two
  // tokens of 0.5 + 0.125; to "cat" 0.125. From "cat" to "lovely": 0.125 twice.
  EXPECT_TRUE(absl::StrContains(run.out,
                                "       lovely  cat\n"
                                "lovely   63*    13\n"
                                "   cat   25     50*\n"))
      << run.out;
}

TEST_F(ExplainTest, WritesPictures) {
  const std::string html = testing::TempDir() + "/explain_test.html";
  const std::string svg = testing::TempDir() + "/explain_test.svg";
  const ProgramRun run =
      Run({"explain", "-m", "sentiment", "--html", html, "--svg", svg, "I <love> it"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const auto page = ReadFile(html, 1 << 20), picture = ReadFile(svg, 1 << 20);
  ASSERT_TRUE(page.ok() && picture.ok());
  EXPECT_TRUE(absl::StrContains(*page, "<h1>I &lt;love&gt; it</h1>"));
  EXPECT_TRUE(absl::StrContains(*page, "POSITIVE"));
  EXPECT_TRUE(absl::StrContains(*page, "sentiment"));
  EXPECT_TRUE(absl::StrContains(*picture, "&lt;love"));

  EXPECT_FALSE(absl::StrContains(*page, "What each word does"));

  const ProgramRun both = Run({"explain", "--attribution", "--html", html, "I <love> it"});
  EXPECT_EQ(both.exit_code, 0) << both.err;
  EXPECT_FALSE(absl::StrContains(both.out, "% of each row")) << "on the page alone";
  const auto attributed = ReadFile(html, 1 << 20);
  ASSERT_TRUE(attributed.ok());
  EXPECT_TRUE(absl::StrContains(*attributed, "What each word does to POSITIVE 0.750"));
  EXPECT_TRUE(absl::StrContains(*attributed, "Mean of the layers and heads"));

  const ProgramRun several = Run({"explain", "--layer", "all", "--html", html, "cat"});
  EXPECT_EQ(several.exit_code, 0) << several.err;
  EXPECT_TRUE(absl::StrContains(*ReadFile(html, 1 << 20), "<option>Layer 1, mean of the heads"));
}

TEST_F(ExplainTest, RefusesPicturesOfSeveral) {
  const std::string path = testing::TempDir() + "/explain_test_several";
  EXPECT_TRUE(absl::StrContains(Run({"explain", "--html", path, "a", "b"}).err, "take one text"));
  EXPECT_TRUE(absl::StrContains(Run({"explain", "--layer", "all", "--svg", path, "a"}).err,
                                "--svg draws one map"));
  EXPECT_EQ(Run({"explain", "--html", "/nonexistent/x.html", "a"}).exit_code, 1);
}

}  // namespace
}  // namespace attentiond::client
