#include "core/text/processors/byte_level_processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/text/tokenizer_json.h"

namespace attentiond {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using Offset = Encoding::Offset;

// Words of one letter, byte level.
json Contents(const json& processor) {
  json contents = json::parse(R"({
    "added_tokens": [{"id": 0, "content": "<s>", "special": true},
                     {"id": 1, "content": "</s>", "special": true},
                     {"id": 2, "content": "<m>", "lstrip": true, "special": true}],
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
    "model": {"type": "BPE", "vocab": {"a": 3, "Ġ": 4, "Ġa": 5}, "merges": ["Ġ a"]}})");
  contents["post_processor"] = processor;
  return contents;
}

Encoding Encode(const json& processor, absl::string_view text,
                std::optional<absl::string_view> pair = std::nullopt) {
  const auto tokenizer = BuildTokenizer(Contents(processor), 0);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  auto encoding = (*tokenizer)->Encode(text, pair, {});
  EXPECT_TRUE(encoding.ok()) << encoding.status();
  return *encoding;
}

TEST(ByteLevelProcessorTest, TrimsSpaces) {
  const json trim = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}};
  EXPECT_THAT(Encode(trim, " a  a").offsets, ElementsAre(Offset{1, 2}, Offset{3, 3}, Offset{4, 5}));
  json keep = trim;
  keep["trim_offsets"] = false;
  EXPECT_THAT(Encode(keep, " a a").offsets, ElementsAre(Offset{0, 2}, Offset{2, 4}));
}

TEST(ByteLevelProcessorTest, KeepsASpaceThatWasAdded) {
  const json trim = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}};
  EXPECT_THAT(Encode(trim, " a a").offsets, ElementsAre(Offset{0, 2}, Offset{3, 4}));
}

TEST(ByteLevelProcessorTest, TrimsWhatAddedTokensTookAlong) {
  const json trim = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}};
  EXPECT_THAT(Encode(trim, "a\u00a0 <m>a").offsets,
              ElementsAre(Offset{0, 1}, Offset{4, 7}, Offset{7, 8}));
}

TEST(RobertaProcessingTest, AddsTwoSeparatorsAndNoTypes) {
  const json roberta =
      json::parse(R"({"type": "RobertaProcessing", "cls": ["<s>", 0], "sep": ["</s>", 1],
                                        "trim_offsets": true, "add_prefix_space": false})");
  const Encoding encoding = Encode(roberta, "a", " a");
  EXPECT_THAT(encoding.ids, ElementsAre(0, 3, 1, 1, 5, 1));
  EXPECT_THAT(encoding.type_ids, ElementsAre(0, 0, 0, 0, 0, 0));
  EXPECT_THAT(encoding.sequence, ElementsAre(-1, 0, -1, -1, 1, -1));
  EXPECT_EQ(encoding.offsets[4], (Offset{1, 2}));
}

TEST(ProcessorSequenceTest, TakesOneTemplate) {
  const json roberta =
      json::parse(R"({"type": "RobertaProcessing", "cls": ["<s>", 0], "sep": ["</s>", 1],
                                        "trim_offsets": true, "add_prefix_space": false})");
  json sequence = {{"type", "Sequence"}, {"processors", json::array({roberta})}};
  EXPECT_THAT(Encode(sequence, "a").ids, ElementsAre(0, 3, 1));
  sequence["processors"].push_back(sequence);
  EXPECT_EQ(BuildTokenizer(Contents(sequence), 0).status(),
            absl::UnimplementedError("post-processor: a Sequence with 2 elements that add special "
                                     "tokens is not supported (at most one may)"));
}

TEST(TruncationSideTest, CutsTheBeginning) {
  const auto tokenizer = BuildTokenizer(Contents(nullptr), 0);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EncodeOptions options = {
      .max_length = 2, .truncate = true, .truncation_side = TruncationSide::kLeft};
  const auto encoding = (*tokenizer)->Encode("a a  a", std::nullopt, options);
  ASSERT_TRUE(encoding.ok()) << encoding.status();
  EXPECT_THAT(encoding->ids, ElementsAre(4, 5));
  EXPECT_THAT(encoding->offsets, ElementsAre(Offset{3, 4}, Offset{4, 6}));
  EXPECT_EQ(encoding->truncated_tokens, 2);
  options.truncate = false;
  EXPECT_EQ(
      (*tokenizer)->Encode("a a  a", std::nullopt, options).status(),
      absl::InvalidArgumentError("the text has 4 tokens, at most 2 are allowed; truncate cuts "
                                 "it to that"));
}

}  // namespace
}  // namespace attentiond
