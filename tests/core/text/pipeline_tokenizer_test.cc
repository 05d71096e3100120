#include "core/text/pipeline_tokenizer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "core/text/tokenizer_json.h"
#include "tests/testing/small_tokenizer_json.h"

namespace attentiond {
namespace {

using ::attentiond::testing::SmallTokenizerJson;
using nlohmann::json;
using Ids = std::vector<int32_t>;

std::unique_ptr<Tokenizer> Build(const json& contents) {
  auto tokenizer = BuildTokenizer(contents, /*model_max_length=*/0);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *std::move(tokenizer);
}

class PipelineTokenizerTest : public ::testing::Test {
 protected:
  const std::unique_ptr<Tokenizer> tokenizer_ = Build(SmallTokenizerJson());
};

TEST_F(PipelineTokenizerTest, EncodesATextAndItsPair) {
  const auto encoding = tokenizer_->Encode("Abc É.", "b", {});
  ASSERT_TRUE(encoding.ok()) << encoding.status();
  // The accent goes, and "e" is no token.
  EXPECT_EQ(encoding->ids, (Ids{1, 7, 0, 9, 2, 4, 2}));
  EXPECT_EQ(encoding->type_ids, (Ids{0, 0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(encoding->sequence, (std::vector<int8_t>{-1, 0, 0, 0, -1, 1, -1}));
  EXPECT_EQ(encoding->offsets, (std::vector<Encoding::Offset>{
                                   {0, 0}, {0, 3}, {4, 6}, {6, 7}, {0, 0}, {0, 1}, {0, 0}}));
  EXPECT_EQ(encoding->truncated_tokens, 0);
  EXPECT_EQ(encoding->size(), 7);
}

TEST_F(PipelineTokenizerTest, AnEmptyTextIsOnlySpecialTokens) {
  EXPECT_EQ(tokenizer_->Encode("", std::nullopt, {})->ids, (Ids{1, 2}));
  EXPECT_EQ(tokenizer_->Encode("", "", {})->ids, (Ids{1, 2, 2}));
  EXPECT_EQ(tokenizer_->Encode(" \t", std::nullopt, {.add_special_tokens = false})->size(), 0);
}

TEST_F(PipelineTokenizerTest, RefusesInvalidUtf8) {
  EXPECT_EQ(tokenizer_->Encode("ab\xff", std::nullopt, {}).status(),
            absl::InvalidArgumentError("the text is not valid UTF-8 at byte 2"));
  EXPECT_EQ(tokenizer_->Encode("ab", "é\xc3", {}).status(),
            absl::InvalidArgumentError("the pair is not valid UTF-8 at byte 2"));
}

TEST_F(PipelineTokenizerTest, RefusesATextBeyondTheLimit) {
  const std::string longest(static_cast<size_t>(Tokenizer::kMaxTextBytes), ' ');
  EXPECT_TRUE(tokenizer_->Encode(longest, std::nullopt, {}).ok());
  EXPECT_EQ(
      tokenizer_->Encode(longest + " ", std::nullopt, {}).status(),
      absl::InvalidArgumentError("the text has 16777217 bytes, at most 16777216 are allowed"));
}

TEST_F(PipelineTokenizerTest, TruncatesOrRefuses) {
  const auto cut = tokenizer_->Encode("a b a b", std::nullopt, {.max_length = 4, .truncate = true});
  ASSERT_TRUE(cut.ok()) << cut.status();
  EXPECT_EQ(cut->ids, (Ids{1, 3, 4, 2}));
  EXPECT_EQ(cut->offsets.size(), 4u);
  EXPECT_EQ(cut->truncated_tokens, 2);

  EXPECT_EQ(tokenizer_->Encode("a b a b", std::nullopt, {.max_length = 6})->size(), 6);
  EXPECT_EQ(tokenizer_->Encode("a b a b", std::nullopt, {.max_length = 5}).status(),
            absl::InvalidArgumentError(
                "the text has 6 tokens, at most 5 are allowed; truncate cuts it to that"));
  EXPECT_EQ(
      tokenizer_->Encode("a b", "a b", {.max_length = 6}).status(),
      absl::InvalidArgumentError(
          "the text and its pair have 7 tokens, at most 6 are allowed; truncate cuts it to that"));
}

TEST_F(PipelineTokenizerTest, TruncatesPairsLongestFirst) {
  const auto encoding = tokenizer_->Encode("a a a a a", "b b", {.max_length = 7, .truncate = true});
  ASSERT_TRUE(encoding.ok()) << encoding.status();
  EXPECT_EQ(encoding->ids, (Ids{1, 3, 3, 2, 4, 4, 2}));
  EXPECT_EQ(encoding->truncated_tokens, 3);
}

TEST_F(PipelineTokenizerTest, LeavesRoomForSpecialTokens) {
  EXPECT_EQ(tokenizer_->Encode("a", std::nullopt, {.max_length = 2, .truncate = true})->ids,
            (Ids{1, 2}));
  EXPECT_EQ(tokenizer_->Encode("a", std::nullopt, {.max_length = 1, .truncate = true}).status(),
            absl::InvalidArgumentError(
                "max_length is 1, at least 2 is required, for the special tokens"));
  EXPECT_EQ(tokenizer_
                ->Encode("a", std::nullopt,
                         {.add_special_tokens = false, .max_length = 1, .truncate = true})
                ->ids,
            (Ids{3}));
  EXPECT_EQ(tokenizer_->Encode("a", std::nullopt, {.max_length = -1}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(PipelineTokenizerTest, Decodes) {
  const Ids ids = {1, 3, 5, 9, 7, 2};
  EXPECT_EQ(tokenizer_->Decode(ids, /*skip_special_tokens=*/false).value(), "[CLS] ab. abc [SEP]");
  EXPECT_EQ(tokenizer_->Decode(ids, /*skip_special_tokens=*/true).value(), "ab. abc");
  EXPECT_EQ(tokenizer_->Decode({}, true).value(), "");
  for (const int32_t id : {-1, 13}) {
    EXPECT_EQ(tokenizer_->Decode({id}, true).status(),
              absl::InvalidArgumentError("id " + std::to_string(id) +
                                         " is outside the vocabulary of 13 tokens"));
  }
}

TEST_F(PipelineTokenizerTest, NamesTokens) {
  EXPECT_EQ(tokenizer_->Token(7), "abc");
  EXPECT_EQ(tokenizer_->Token(1), "[CLS]");
  EXPECT_EQ(tokenizer_->Token(13), "");
  EXPECT_EQ(tokenizer_->Token(-1), "");
}

TEST(PipelineTokenizerPartsTest, AddedTokensExtendTheVocabulary) {
  json contents = SmallTokenizerJson();
  contents["added_tokens"].push_back({{"id", 20}, {"content", "<x>"}, {"normalized", true}});
  const auto tokenizer = Build(contents);
  EXPECT_EQ(tokenizer->vocab_size(), 21);
  EXPECT_EQ(tokenizer->Token(20), "<x>");
  EXPECT_EQ(tokenizer->Token(15), "");  // a hole
  const auto encoding = tokenizer->Encode("é<X>a", std::nullopt, {.add_special_tokens = false});
  ASSERT_TRUE(encoding.ok()) << encoding.status();
  EXPECT_EQ(encoding->ids, (Ids{0, 20, 3}));
  EXPECT_EQ(encoding->offsets, (std::vector<Encoding::Offset>{{0, 2}, {2, 5}, {5, 6}}));
  EXPECT_EQ(tokenizer->Decode({15, 20}, false).value(), "<x>");
}

TEST(PipelineTokenizerPartsTest, OnlyTheModelMustBeThere) {
  json contents = SmallTokenizerJson();
  for (const char* section :
       {"normalizer", "pre_tokenizer", "post_processor", "decoder", "added_tokens"}) {
    contents.erase(section);
  }
  const auto tokenizer = Build(contents);
  const auto encoding = tokenizer->Encode("abb", "b", {});
  ASSERT_TRUE(encoding.ok()) << encoding.status();
  EXPECT_EQ(encoding->ids, (Ids{3, 5, 5, 4}));
  EXPECT_EQ(encoding->type_ids, (Ids{0, 0, 0, 1}));
  EXPECT_EQ(tokenizer->Decode(encoding->ids, true).value(), "a ##b ##b b");
}

TEST_F(PipelineTokenizerTest, ServesThreadsAtOnce) {
  const Encoding expected = *tokenizer_->Encode("abc é. a", "b", {});
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t t = 0; t < wrong.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const auto encoding = tokenizer_->Encode("abc é. a", "b", {});
        if (!encoding.ok() || encoding->ids != expected.ids) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

// What the library itself makes of odd texts, with every setting.
TEST(PipelineTokenizerCasesTest, AgreesWithTheLibrary) {
  const std::string source = ATTENTIOND_SOURCE_DIR;
  std::ifstream base_file(source + "/tests/golden/bert-classify/tokenizer.json");
  std::ifstream cases_file(source + "/tests/core/text/testdata/word_piece_cases.json");
  const json base = json::parse(base_file);
  int num_cases = 0;
  for (const json& group : json::parse(cases_file)) {
    json contents = base;
    contents.merge_patch(group.at("patch"));
    const auto tokenizer = Build(contents);
    for (const json& expected : group.at("cases")) {
      SCOPED_TRACE(group.at("name").get<std::string>() + ": " + expected.dump());
      const std::string text = expected.at("text");
      const std::string pair = expected.value("pair", "");
      const auto encoding = tokenizer->Encode(
          text, expected.contains("pair") ? std::optional<absl::string_view>(pair) : std::nullopt,
          {.add_special_tokens = expected.at("add_special_tokens"),
           .max_length = expected.at("max_length"),
           .truncate = true});
      ASSERT_TRUE(encoding.ok()) << encoding.status();
      EXPECT_EQ(json(encoding->ids), expected.at("ids"));
      EXPECT_EQ(json(encoding->type_ids), expected.at("type_ids"));
      EXPECT_EQ(json(encoding->sequence), expected.at("sequence"));
      json offsets = json::array();
      for (const auto& offset : encoding->offsets) offsets.push_back({offset.begin, offset.end});
      EXPECT_EQ(offsets, expected.at("offsets"));
      EXPECT_EQ(tokenizer->Decode(encoding->ids, true).value(),
                expected.at("decoded").get<std::string>());
      ++num_cases;
    }
  }
  EXPECT_EQ(num_cases, 520);
}

}  // namespace
}  // namespace attentiond
