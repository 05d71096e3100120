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
