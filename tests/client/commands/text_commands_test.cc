// classify, embed and tokenize: what they send and what they print.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/file.h"
#include "client/npy.h"
#include "tests/client/commands/fake_server.h"
#include "tests/client/commands/program_run.h"

namespace attentiond::client {
namespace {

std::vector<nlohmann::json> JsonLines(const std::string& text) {
  std::vector<nlohmann::json> objects;
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(text, '\n'))) {
    if (!line.empty()) objects.push_back(nlohmann::json::parse(line));
  }
  return objects;
}

class TextCommandsTest : public testing::Test {
 protected:
  ProgramRun Run(const std::vector<std::string>& arguments, const std::string& input = "",
                 int columns = 0) {
    return RunWith(server_.address(), arguments, input, columns);
  }
  FakeServer server_;
};

TEST_F(TextCommandsTest, ClassifyPrintsATable) {
  const ProgramRun run = Run({"classify", "-m", "sentiment", "I love it", "no"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out,
            "POSITIVE  0.750  I love it\n"
            "NEGATIVE  0.750  no\n");
  EXPECT_EQ(Run({"classify", "-m", "s", "--top", "0", "no"}).out,
            "NEGATIVE  0.750  POSITIVE  0.250  no\n");
}

TEST_F(TextCommandsTest, ClassifyFitsTheTerminal) {
  const ProgramRun run = Run({"classify", std::string(200, 'x')}, "", 40);
  EXPECT_EQ(run.out, "NEGATIVE  0.750  xxxxxxxxxxxxxxxxxxxxxx…\n");
}

TEST_F(TextCommandsTest, ClassifyPrintsJson) {
  const ProgramRun run = Run({"classify", "--json", "--top", "0", "I love \"it\"\n\x7f"});
  const std::vector<nlohmann::json> objects = JsonLines(run.out);
  ASSERT_EQ(objects.size(), 1u) << run.out;
  EXPECT_EQ(objects[0]["text"], "I love \"it\"\n\x7f");
  EXPECT_EQ(objects[0]["labels"][0]["label"], "POSITIVE");
  EXPECT_EQ(objects[0]["labels"][0]["score"], 0.75);
  EXPECT_EQ(objects[0]["labels"][1]["score"], 0.25);
  EXPECT_EQ(run.out.find('\x7f'), std::string::npos) << "escaped";
}

TEST_F(TextCommandsTest, LinesComeInChunksAndInOrder) {
  std::string input;
  for (int i = 0; i < 250; ++i)
    absl::StrAppend(&input, i % 3 == 0 ? "love " : "", "line ", i, "\n");
  const ProgramRun run = Run({"classify", "--json", "--rows", "100"}, input);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(server_.request_sizes(), (std::vector<int>{100, 100, 50}));
  const std::vector<nlohmann::json> objects = JsonLines(run.out);
  ASSERT_EQ(objects.size(), 250u);
  for (size_t i = 0; i < objects.size(); ++i) {
    EXPECT_EQ(objects[i]["text"], absl::StrCat(i % 3 == 0 ? "love " : "", "line ", i));
    EXPECT_EQ(objects[i]["labels"][0]["label"], i % 3 == 0 ? "POSITIVE" : "NEGATIVE");
  }
}

TEST_F(TextCommandsTest, ReadsFiles) {
  const std::string path = testing::TempDir() + "/text_commands_test.txt";
  ASSERT_TRUE(WriteFile(path, "love\r\n\nlast without an end").ok());
  EXPECT_EQ(JsonLines(Run({"classify", "--file", path, "--json"}).out).size(), 3u)
      << "an empty line is a text";
  EXPECT_EQ(Run({"classify", "--file", "-"}, "love\n").out, "POSITIVE  0.750  love\n");
  const ProgramRun missing = Run({"classify", "--file", path + ".missing"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(missing.err, ".missing: No such file")) << missing.err;
}

TEST_F(TextCommandsTest, NoTextsIsNothingToDo) {
  const ProgramRun run = Run({"classify"}, "");
  EXPECT_EQ(run.exit_code, 0);
  EXPECT_EQ(run.out, "");
  EXPECT_TRUE(server_.request_sizes().empty());
}

TEST_F(TextCommandsTest, ErrorsSayWhere) {
  std::string input = "a\nb\nc\nfail 3\n";
  const ProgramRun run = Run({"classify", "--rows", "2"}, input);
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_EQ(std::count(run.out.begin(), run.out.end(), '\n'), 2) << "the first chunk was printed";
  EXPECT_TRUE(
      absl::StrContains(run.err, "lines 3 to 4 of standard input: INVALID_ARGUMENT: asked for"))
      << run.err;
  EXPECT_TRUE(absl::StrContains(Run({"classify", "fail 5"}).err, "attention-client models"));
  EXPECT_TRUE(absl::StrContains(Run({"classify", "fail 16"}).err, "--token-file"));
  EXPECT_TRUE(absl::StrContains(Run({"classify", "fail 4"}).err, "--timeout"));
  const ProgramRun broken = Run({"classify"}, "fine\nnot \xff utf-8\n");
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(broken.err, "line 2 of standard input: not UTF-8")) << broken.err;
}

TEST_F(TextCommandsTest, PairsAreSplitAtTheTab) {
  const ProgramRun run = Run({"classify", "--pairs", "--json"}, "love\tsecond\n");
  EXPECT_EQ(JsonLines(run.out)[0]["text_pair"], "second");
  const ProgramRun broken = Run({"classify", "--pairs"}, "no tab\n");
  EXPECT_EQ(broken.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(broken.err, "--pairs needs")) << broken.err;
}

TEST_F(TextCommandsTest, EmbedPrintsAndWrites) {
  EXPECT_EQ(Run({"embed", "abc"}).out, "2 values  +3.0000 +1.0000  abc\n");
  EXPECT_EQ(JsonLines(Run({"embed", "--json", "abc"}).out)[0]["embedding"],
            nlohmann::json({3.0, 1.0}));

  const std::string path = testing::TempDir() + "/text_commands_test.npy";
  std::string input;
  for (int i = 1; i <= 150; ++i) input += std::string(static_cast<size_t>(i), 'x') + "\n";
  const ProgramRun run = Run({"embed", "--output", path}, input);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(absl::StrContains(run.err, "150 vectors")) << run.err;
  const auto tensor = ReadNpy(path);
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_EQ(tensor->shape(), Shape({150, 2}));
  for (size_t row = 0; row < 150; ++row) {
    EXPECT_EQ(tensor->values<float>()[2 * row], static_cast<float>(row + 1));
  }
  EXPECT_EQ(Run({"embed", "--output", "/nonexistent/x.npy", "a"}).exit_code, 1);
}

TEST_F(TextCommandsTest, EmbedComparesTexts) {
  // Vectors (1, 1) and (7, 1): the cosine is 8 / sqrt(2 * 50) = 0.80.
  EXPECT_EQ(Run({"embed", "--similarity", "a", "seven77"}).out,
            "   cosine      1     2\n"
            "1  a        1.00  0.80\n"
            "2  seven77  0.80  1.00\n");
}

TEST_F(TextCommandsTest, TokenizePrintsATable) {
  EXPECT_EQ(Run({"tokenize", "lovely cat"}).out,
            "lovely cat\n"
            "token   id  word  place\n"
            "[CLS]  101\n"
            "lovel    5     0  0-5\n"
            "##y      1     0  5-6\n"
            "cat      3     1  7-10\n"
            "[SEP]  102\n");
  EXPECT_FALSE(absl::StrContains(Run({"tokenize", "--no-special", "cat"}).out, "[CLS]"));
  const auto json = JsonLines(Run({"tokenize", "--json", "cat"}).out)[0];
  EXPECT_EQ(json["tokens"][0]["special"], true);
  EXPECT_EQ(json["tokens"][1],
            nlohmann::json({{"text", "cat"}, {"id", 3}, {"begin", 0}, {"end", 3}, {"word", 0}}));
}

TEST_F(TextCommandsTest, TextsCannotSteerTheTerminal) {
  for (const char* command : {"classify", "embed", "tokenize", "explain"}) {
    const ProgramRun run = Run({command, "a \x1b]0;title\x07 b"});
    EXPECT_EQ(run.exit_code, 0) << command << run.err;
    EXPECT_EQ(run.out.find('\x1b'), std::string::npos) << command;
    EXPECT_EQ(run.out.find('\x07'), std::string::npos) << command;
  }
}

}  // namespace
}  // namespace attentiond::client
