// Texts and ids to rows: masks, gaps, limits.
#include "server/grpc/encoder_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/grpc/model_signature.h"
#include "tests/testing/field_error_matcher.h"
#include "tests/testing/infer_request.h"

namespace attentiond {
namespace {

using testing::AddRaw;
using testing::AddRawText;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::IsFieldError;
using testing::Words;

class EncoderInputsTest : public ::testing::Test {
 protected:
  EncoderInputsTest() {
    info_.kind = ModelKind::kEmbedding;
    info_.vocab_size = 100;
    info_.type_vocab_size = 2;
    info_.max_length = 4;
  }

  absl::StatusOr<EncoderInputs> Read() {
    auto inputs = InputTensors::Read(request_, SignatureOf(&info_).inputs, /*max_rows=*/8);
    EXPECT_TRUE(inputs.ok()) << inputs.status();
    return ReadEncoderInputs(*inputs, info_, has_tokenizer_);
  }
  void AddIds(const std::string& name, const testing::Shape64& shape,
              const std::vector<int64_t>& values) {
    AddRaw(&request_, name, "INT64", shape, values);
  }

  ModelInfo info_;
  bool has_tokenizer_ = true;
  inference::ModelInferRequest request_;
};

TEST_F(EncoderInputsTest, Texts) {
  AddRawText(&request_, "text", {"one", ""});
  AddRawText(&request_, "text_pair", {"", "two"});
  const auto inputs = Read();
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  ASSERT_EQ(inputs->rows.size(), 2u);
  EXPECT_EQ(inputs->rows[0].text, "one");
  EXPECT_EQ(inputs->rows[0].text_pair, "");
  EXPECT_EQ(inputs->rows[1].text_pair, "two");
  EXPECT_FALSE(inputs->width.has_value());
}

TEST_F(EncoderInputsTest, TextErrors) {
  EXPECT_THAT(Read(), IsFieldError("inputs.text", Words{"input_ids"}));
  AddRawText(&request_, "text_pair", {"a"});
  EXPECT_THAT(Read(), IsFieldError("inputs.text", Words{"text_pair"}));
  AddRawText(&request_, "text", {"a", "b"});
  EXPECT_THAT(Read(), IsFieldError("inputs.text_pair", Words{"[1]", "[2]"}));
  has_tokenizer_ = false;
  EXPECT_THAT(Read(), IsFieldError("inputs.text", Words{"no tokenizer"}));
}

TEST_F(EncoderInputsTest, TextAndIds) {
  AddRawText(&request_, "text", {"a"});
  AddIds("input_ids", {1, 1}, {3});
  EXPECT_THAT(Read(), IsFieldError("inputs.input_ids", Words{"text"}));
}

TEST_F(EncoderInputsTest, IdsWithoutAMask) {
  AddIds("input_ids", {2, 3}, {1, 2, 3, 4, 5, 99});
  AddIds("token_type_ids", {2, 3}, {0, 0, 1, 0, 1, 1});
  const auto inputs = Read();
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  EXPECT_EQ(inputs->width, 3);
  EXPECT_THAT(inputs->rows[1].ids, ElementsAre(4, 5, 99));
  EXPECT_THAT(inputs->rows[0].type_ids, ElementsAre(0, 0, 1));
  EXPECT_THAT(inputs->rows[0].positions, IsEmpty());
  EXPECT_THAT(inputs->kept_columns[0], IsEmpty());
}

TEST_F(EncoderInputsTest, MaskedTokensAreLeftOut) {
  // Padding at the end needs no positions, a gap does. What is masked may be anything.
  AddIds("input_ids", {2, 6}, {1, 2, -7, 999, 0, 0, 5, 0, 6, 7, 0, 0});
  AddIds("attention_mask", {2, 6}, {1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0});
  AddIds("token_type_ids", {2, 6}, {0, 1, 9, 9, 9, 9, 9, 9, 0, 1, 9, 9});
  const auto inputs = Read();
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  EXPECT_EQ(inputs->width, 6);
  EXPECT_THAT(inputs->rows[0].ids, ElementsAre(1, 2));
  EXPECT_THAT(inputs->rows[0].positions, IsEmpty());
  EXPECT_THAT(inputs->kept_columns[0], IsEmpty());
  EXPECT_THAT(inputs->rows[1].ids, ElementsAre(6, 7));
  EXPECT_THAT(inputs->rows[1].type_ids, ElementsAre(0, 1));
  EXPECT_THAT(inputs->rows[1].positions, ElementsAre(2, 3));
  EXPECT_THAT(inputs->kept_columns[1], ElementsAre(2, 3));
}

TEST_F(EncoderInputsTest, PaddingHasNoPlaceInModelsThatCountOtherIds) {
  info_.padding_id = 0;
  // On the left, where it moves nothing; between others; kept all the same.
  AddIds("input_ids", {3, 5}, {0, 0, 5, 6, 0, 5, 6, 0, 7, 8, 5, 0, 9, 7, 0});
  AddIds("attention_mask", {3, 5}, {0, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0});
  info_.max_length = 5;
  const auto inputs = Read();
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  EXPECT_THAT(inputs->rows[0].positions, ElementsAre(0, 1));
  EXPECT_THAT(inputs->rows[1].positions, ElementsAre(0, 2));
  EXPECT_THAT(inputs->rows[2].positions, ElementsAre(0, 1, 2));
  EXPECT_THAT(inputs->kept_columns[2], ElementsAre(0, 1, 3));
}

TEST_F(EncoderInputsTest, IdsOutOfRange) {
  for (const int64_t bad : {int64_t{-1}, int64_t{100}, int64_t{1} << 40}) {
    request_.Clear();
    AddIds("input_ids", {1, 2}, {1, bad});
    EXPECT_THAT(Read(),
                IsFieldError("inputs.input_ids", Words{"[0, 1]", std::to_string(bad), "0 to 99"}));
  }
}

TEST_F(EncoderInputsTest, TypesOutOfRange) {
  AddIds("input_ids", {1, 1}, {1});
  AddIds("token_type_ids", {1, 1}, {2});
  EXPECT_THAT(Read(), IsFieldError("inputs.token_type_ids", Words{"2", "0 to 1"}));
}

TEST_F(EncoderInputsTest, AModelWithoutTypesTakesZeros) {
  info_.type_vocab_size = 0;
  AddIds("input_ids", {1, 2}, {1, 2});
  AddIds("token_type_ids", {1, 2}, {0, 0});
  const auto inputs = Read();
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  EXPECT_THAT(inputs->rows[0].type_ids, IsEmpty());
  request_.mutable_raw_input_contents(1)->at(0) = 1;
  EXPECT_THAT(Read(), IsFieldError("inputs.token_type_ids", Words{"1", "0 to 0"}));
}

TEST_F(EncoderInputsTest, MaskErrors) {
  AddIds("input_ids", {1, 2}, {1, 2});
  AddIds("attention_mask", {1, 2}, {1, 2});
  EXPECT_THAT(Read(), IsFieldError("inputs.attention_mask", Words{"[0, 1]", "2", "0 or 1"}));
  request_.Clear();
  AddIds("input_ids", {1, 2}, {1, 2});
  AddIds("attention_mask", {2, 1}, {1, 1});
  EXPECT_THAT(Read(), IsFieldError("inputs.attention_mask", Words{"[2, 1]", "[1, 2]"}));
  request_.Clear();
  AddIds("input_ids", {1, 2}, {1, 2});
  AddIds("attention_mask", {1, 2}, {0, 0});
  EXPECT_THAT(Read(), IsFieldError("inputs.input_ids", Words{"row 0", "mask"}));
}

TEST_F(EncoderInputsTest, TooLongOrEmpty) {
  AddIds("input_ids", {1, 5}, {1, 2, 3, 4, 5});
  EXPECT_THAT(Read(), IsFieldError("inputs.input_ids", Words{"row 0", "column 4", "4 tokens"}));
  request_.Clear();
  AddIds("input_ids", {2, 0}, {});
  EXPECT_THAT(Read(), IsFieldError("inputs.input_ids", Words{"row 0", "at least one"}));
  request_.Clear();
  AddIds("input_ids", {0, 5}, {});
  EXPECT_TRUE(Read().ok()) << "no rows";
}

}  // namespace
}  // namespace attentiond
