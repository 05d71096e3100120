// translate and caption: what they send, print and draw.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "client/commands/caption_words.h"
#include "client/commands/progress_bar.h"
#include "client/file.h"
#include "tests/client/commands/fake_server.h"
#include "tests/client/commands/program_run.h"

namespace attentiond::client {
namespace {

constexpr char kPng[] = "\x89PNG\r\n\x1a\n not all of one";

class GenerationCommandsTest : public testing::Test {
 protected:
  ProgramRun Run(const std::vector<std::string>& arguments, const std::string& input = "") {
    return RunWith(server_.address(), arguments, input, /*columns=*/0);
  }
  static std::string File(const std::string& name, const std::string& contents) {
    const std::string path = testing::TempDir() + "/" + name;
    EXPECT_TRUE(WriteFile(path, contents).ok());
    return path;
  }
  FakeServer server_;
};

TEST_F(GenerationCommandsTest, TranslatePrintsALineForEachText) {
  const ProgramRun run = Run({"translate", "-m", "en-fr", "a cat", "the dog"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "A CAT\nTHE DOG\n");
  const std::string file = File("translate.txt", "one\n\ntwo\n");
  EXPECT_EQ(Run({"translate", "--file", file, "--rows", "2"}).out, "ONE\n\nTWO\n");
  EXPECT_EQ(server_.request_sizes(), (std::vector<int>{2, 2, 1}));
}

TEST_F(GenerationCommandsTest, TranslateSendsWhatTheFlagsSay) {
  const ProgramRun run =
      Run({"translate", "-m", "nllb", "--source-lang", "eng_Latn", "--target-lang", "fra_Latn",
           "--split-sentences", "--truncate", "--num-beams", "4", "--length-penalty", "0.5",
           "--max-new-tokens", "9", "--no-repeat-ngram-size", "3", "a"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const v1::TranslateRequest request = server_.last_translate();
  EXPECT_EQ(request.model(), "nllb");
  EXPECT_EQ(request.source_lang(), "eng_Latn");
  EXPECT_EQ(request.target_lang(), "fra_Latn");
  EXPECT_TRUE(request.split_sentences());
  EXPECT_TRUE(request.truncate());
  EXPECT_EQ(request.generation().num_beams(), 4);
  EXPECT_EQ(request.generation().length_penalty(), 0.5);
  EXPECT_EQ(request.generation().max_new_tokens(), 9);
  EXPECT_EQ(request.generation().no_repeat_ngram_size(), 3);
  EXPECT_FALSE(request.generation().has_do_sample());
  EXPECT_FALSE(request.generation().has_top_p());

  Run({"translate", "--sample", "--seed", "18446744073709551615", "--top-p", "0.5", "a"});
  EXPECT_TRUE(server_.last_translate().generation().do_sample());
  EXPECT_EQ(server_.last_translate().generation().seed(), ~uint64_t{0});
  EXPECT_EQ(server_.last_translate().generation().top_p(), 0.5);
}

TEST_F(GenerationCommandsTest, TranslatePrintsAlternativesWithTheirScores) {
  EXPECT_EQ(Run({"translate", "--num-return-sequences", "2", "a"}).out,
            " -0.2500  A\n -0.5000  A!\n");
  const auto object =
      nlohmann::json::parse(Run({"translate", "--json", "--num-return-sequences", "2", "a"}).out);
  EXPECT_EQ(object["text"], "a");
  EXPECT_EQ(object["translations"][1]["text"], "A!");
  EXPECT_EQ(object["translations"][1]["score"], -0.5);
  EXPECT_EQ(object["input_tokens"], 7);
}

TEST_F(GenerationCommandsTest, TranslateStreams) {
  const ProgramRun run = Run({"translate", "--stream", "a red house", "dog"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "A RED HOUSE\nDOG\n");
  EXPECT_EQ(Run({"translate", "--stream", "--json", "a"}).exit_code, 1);
  server_.FailNext(1, grpc::Status(grpc::StatusCode::NOT_FOUND, "no such model"));
  const ProgramRun failed = Run({"translate", "--stream", "a"});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(failed.err, "no such model")) << failed.err;
}

TEST_F(GenerationCommandsTest, CaptionPrintsATable) {
  const std::string file = File("caption.png", kPng);
  const ProgramRun run = Run({"caption", "-m", "caption", file, file});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, file + "  -0.5000  a red circle\n" + file + "  -0.5000  a red circle\n");
  const auto object = nlohmann::json::parse(Run({"caption", "--json", file}).out);
  EXPECT_EQ(object["captions"][0]["text"], "a red circle");
}

TEST_F(GenerationCommandsTest, CaptionRefusesOtherFiles) {
  const ProgramRun run = Run({"caption", File("caption.gif", "GIF89a")});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_TRUE(absl::StrContains(run.err, "neither a PNG nor a JPEG file")) << run.err;
  EXPECT_EQ(Run({"caption"}).exit_code, 64);
}

TEST_F(GenerationCommandsTest, CaptionWritesAPage) {
  const std::string file = File("caption.png", kPng);
  const std::string page = testing::TempDir() + "/caption.html";
  ASSERT_EQ(Run({"caption", "--html", page, file}).exit_code, 0);
  const auto html = ReadFile(page, 1 << 20);
  ASSERT_TRUE(html.ok()) << html.status();
  EXPECT_TRUE(absl::StrContains(*html, "<h1>a red circle</h1>")) << *html;
  EXPECT_TRUE(absl::StrContains(*html, "src=\"data:image/png;base64,iVBORw0KGgog"));
  EXPECT_TRUE(absl::StrContains(*html, "<figcaption>circle</figcaption>"));
  EXPECT_FALSE(absl::StrContains(*html, "http:")) << "needs no network";
}

TEST(CaptionWordsTest, AWordIsTheMeanOfItsTokens) {
  v1::GeneratedText text;
  text.set_text("a cat");
  v1::CrossAttention* const attention = text.mutable_cross_attention();
  for (const char* const token : {"a", " c", "at", ""}) attention->add_tokens()->set_text(token);
  attention->set_grid_height(1);
  attention->set_grid_width(2);
  const std::vector<float> weights = {0.5f, 0.5f, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0};
  attention->mutable_weights()->set_dtype(v1::DATA_TYPE_FP32);
  attention->mutable_weights()->add_shape(4);
  attention->mutable_weights()->add_shape(3);
  attention->mutable_weights()->set_data(weights.data(), weights.size() * sizeof(float));
  const auto picture = ToPicture(text);
  ASSERT_TRUE(picture.ok()) << picture.status();
  ASSERT_EQ(picture->words.size(), 2u);
  EXPECT_EQ(picture->words[0].text, "a");
  EXPECT_EQ(picture->words[0].weights, (std::vector<double>{0.5, 0}));
  EXPECT_EQ(picture->words[1].text, "cat");
  EXPECT_EQ(picture->words[1].weights, (std::vector<double>{0.5, 0.5}));

  attention->set_grid_width(4);
  EXPECT_EQ(ToPicture(text).status().code(), absl::StatusCode::kInternal);
}

TEST(ProgressLineTest, SaysHowFarAndHowFast) {
  EXPECT_EQ(ProgressLine(0, 10, absl::ZeroDuration(), "lines"),
            "[....................]  0 of 10 lines  0 %");
  EXPECT_EQ(ProgressLine(5, 10, absl::Seconds(2), "lines"),
            "[##########..........]  5 of 10 lines  50 %  2.5/s  2s left");
  EXPECT_EQ(ProgressLine(10, 10, absl::Seconds(4), "lines"),
            "[####################]  10 of 10 lines  100 %  2.5/s  0 left");
}

}  // namespace
}  // namespace attentiond::client
