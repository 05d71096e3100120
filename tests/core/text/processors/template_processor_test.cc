#include "core/text/processors/template_processor.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace attentiond {
namespace {

using nlohmann::json;

// [10] text [20 21] and [10] pair, type 5, [20 21] text.
json Template() {
  return json::parse(R"({
    "single": [{"SpecialToken": {"id": "[B]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 2}},
               {"SpecialToken": {"id": "[E]", "type_id": 3}}],
    "pair": [{"SpecialToken": {"id": "[B]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 5}},
             {"SpecialToken": {"id": "[E]", "type_id": 1}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "special_tokens": {"[B]": {"id": "[B]", "ids": [10], "tokens": ["[B]"]},
                       "[E]": {"id": "[E]", "ids": [20, 21], "tokens": ["[E]", "[e]"]}}})");
}

Encoding Part(std::vector<int32_t> ids, int8_t sequence) {
  Encoding part;
  part.type_ids.assign(ids.size(), sequence);
  part.sequence.assign(ids.size(), sequence);
  part.offsets.assign(ids.size(), {7, 8});
  part.ids = std::move(ids);
  return part;
}

// The parts in one row, as a tokenizer joins them.
struct Row {
  std::vector<int32_t> ids;
  std::vector<int32_t> type_ids;
  std::vector<int> sequence;
};

Row Process(const PostProcessor& processor, bool add_special_tokens, std::vector<Encoding> parts) {
  processor.Process({add_special_tokens, {}}, &parts);
  Row row;
  for (const Encoding& part : parts) {
    row.ids.insert(row.ids.end(), part.ids.begin(), part.ids.end());
    row.type_ids.insert(row.type_ids.end(), part.type_ids.begin(), part.type_ids.end());
    row.sequence.insert(row.sequence.end(), part.sequence.begin(), part.sequence.end());
    EXPECT_EQ(part.offsets.size(), part.ids.size());
  }
  return row;
}

TEST(TemplateProcessorTest, FillsTheTemplates) {
  const auto processor = TemplateProcessor::FromTemplateJson(Template());
  ASSERT_TRUE(processor.ok()) << processor.status();
  EXPECT_EQ((*processor)->num_added_tokens(/*has_pair=*/false), 3);
  EXPECT_EQ((*processor)->num_added_tokens(/*has_pair=*/true), 3);

  const Row single = Process(**processor, true, {Part({1, 2}, 0)});
  EXPECT_EQ(single.ids, (std::vector<int32_t>{10, 1, 2, 20, 21}));
  EXPECT_EQ(single.type_ids, (std::vector<int32_t>{0, 2, 2, 3, 3}));
  EXPECT_EQ(single.sequence, (std::vector<int>{-1, 0, 0, -1, -1}));

  const Row pair = Process(**processor, true, {Part({1, 2}, 0), Part({3}, 1)});
  EXPECT_EQ(pair.ids, (std::vector<int32_t>{10, 3, 20, 21, 1, 2}));
  EXPECT_EQ(pair.type_ids, (std::vector<int32_t>{0, 5, 1, 1, 0, 0}));
  EXPECT_EQ(pair.sequence, (std::vector<int>{-1, 1, -1, -1, 0, 0}));
}

TEST(TemplateProcessorTest, KeepsOrderAndTypesWithoutSpecialTokens) {
  const auto processor = TemplateProcessor::FromTemplateJson(Template());
  ASSERT_TRUE(processor.ok()) << processor.status();
  const Row pair = Process(**processor, false, {Part({1, 2}, 0), Part({3}, 1)});
  EXPECT_EQ(pair.ids, (std::vector<int32_t>{3, 1, 2}));
  EXPECT_EQ(pair.type_ids, (std::vector<int32_t>{5, 0, 0}));
}

TEST(TemplateProcessorTest, HandlesEmptyTexts) {
  const auto processor = TemplateProcessor::FromTemplateJson(Template());
  ASSERT_TRUE(processor.ok()) << processor.status();
  EXPECT_EQ(Process(**processor, true, {Part({}, 0)}).ids, (std::vector<int32_t>{10, 20, 21}));
}

TEST(TemplateProcessorTest, BertProcessing) {
  const auto processor =
      TemplateProcessor::FromBertJson(json::parse(R"({"sep": ["[SEP]", 3], "cls": ["[CLS]", 2]})"));
  ASSERT_TRUE(processor.ok()) << processor.status();
  EXPECT_EQ((*processor)->num_added_tokens(false), 2);
  EXPECT_EQ((*processor)->num_added_tokens(true), 3);
  EXPECT_EQ((*processor)->added_ids(), (std::vector<int32_t>{2, 3, 2, 3, 3}));
  const Row pair = Process(**processor, true, {Part({7}, 0), Part({8}, 1)});
  EXPECT_EQ(pair.ids, (std::vector<int32_t>{2, 7, 3, 8, 3}));
  EXPECT_EQ(pair.type_ids, (std::vector<int32_t>{0, 0, 0, 1, 1}));
}

TEST(TemplateProcessorTest, RefusesBrokenTemplates) {
  struct Case {
    const char* patch;
    const char* message;
  };
  for (const auto& [patch, message] : {
           Case{R"({"special_tokens": 1})", "\"special_tokens\" is not an object"},
           Case{R"({"single": null})", "\"single\" is not a list"},
           Case{R"({"pair": {}})", "\"pair\" is not a list"},
           Case{R"({"single": []})",
                "\"single\" has Sequence \"A\" 0 times and \"B\" 0 times, 1 and 0 are required"},
           Case{R"({"pair": [{"Sequence": {"id": "A"}}]})",
                "\"pair\" has Sequence \"A\" 1 times and \"B\" 0 times, 1 and 1 are required"},
           Case{R"({"single": [{"Sequence": {"id": "A"}}, {"Sequence": {"id": "B"}}]})",
                "\"single\" has Sequence \"A\" 1 times and \"B\" 1 times, 1 and 0 are required"},
           Case{R"({"single": [1]})",
                "\"single\": has an element that is no Sequence and no SpecialToken"},
           Case{R"({"single": [{"Sequence": 1}]})",
                "\"single\": has an element that is no Sequence and no SpecialToken"},
           Case{R"({"single": [{"Other": {}}]})",
                "\"single\": has an element that is no Sequence and no SpecialToken"},
           Case{R"({"single": [{"Sequence": {"id": "C"}}]})",
                "\"single\": has a Sequence \"C\", \"A\" or \"B\" is required"},
           Case{R"({"single": [{"Sequence": {"id": "A", "type_id": -1}}]})",
                "\"single\": \"type_id\" is -1, a non-negative 32-bit integer is required"},
           Case{R"({"single": [{"SpecialToken": {"id": "[X]"}}]})",
                "\"single\": special token \"[X]\" is not in \"special_tokens\""},
           Case{
               R"({"special_tokens": {"[B]": 1}})",
               "\"single\": special token \"[B]\" has no \"ids\", a list of non-negative integers"},
           Case{
               R"({"special_tokens": {"[B]": {"ids": [-1]}}})",
               "\"single\": special token \"[B]\" has no \"ids\", a list of non-negative integers"},
           Case{
               R"({"special_tokens": {"[B]": {"ids": []}}})",
               "\"single\": special token \"[B]\" has no \"ids\", a list of non-negative integers"},
       }) {
    json broken = Template();
    broken.merge_patch(json::parse(patch));
    EXPECT_EQ(TemplateProcessor::FromTemplateJson(broken).status(),
              absl::InvalidArgumentError(message))
        << patch;
  }
  EXPECT_EQ(
      TemplateProcessor::FromBertJson(json::parse(R"({"cls": ["a", 1]})")).status(),
      absl::InvalidArgumentError("\"sep\" is not a token and its id, as in [\"[SEP]\", 102]"));
  EXPECT_EQ(
      TemplateProcessor::FromBertJson(json::parse(R"({"cls": ["a", -1], "sep": ["b", 1]})"))
          .status(),
      absl::InvalidArgumentError("\"cls\" is not a token and its id, as in [\"[SEP]\", 102]"));
}

}  // namespace
}  // namespace attentiond
