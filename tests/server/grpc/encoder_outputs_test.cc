// Ragged results in dense tensors.
#include "server/grpc/encoder_outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "tests/testing/field_error_matcher.h"
#include "tests/testing/infer_request.h"

namespace attentiond {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using testing::IsFieldError;
using testing::OutputShape;
using testing::OutputText;
using testing::OutputValues;
using testing::Words;

using Names = std::vector<absl::string_view>;

/// A row of `tokens` tokens whose every result counts up from `first`.
EncodedRow MakeRow(const ModelInfo& info, size_t tokens, float first) {
  EncodedRow row;
  row.encoding.ids.resize(tokens);
  std::iota(row.encoding.ids.begin(), row.encoding.ids.end(), static_cast<int32_t>(first));
  row.result.hidden_state.resize(tokens * static_cast<size_t>(info.hidden_size));
  std::iota(row.result.hidden_state.begin(), row.result.hidden_state.end(), first);
  row.result.attentions.resize(static_cast<size_t>(info.num_layers * info.num_heads) * tokens *
                               tokens);
  std::iota(row.result.attentions.begin(), row.result.attentions.end(), first);
  return row;
}

class EncoderOutputsTest : public ::testing::Test {
 protected:
  EncoderOutputsTest() {
    info_.kind = ModelKind::kSequenceClassification;
    info_.hidden_size = 2;
    info_.num_layers = 1;
    info_.num_heads = 2;
    info_.labels = {"bad", "good"};
  }

  absl::Status Write(const Names& names, int64_t width, const std::vector<EncodedRow>& rows,
                     const std::vector<std::vector<int32_t>>& kept = {}) {
    const EncoderOutputSizes sizes = {static_cast<int64_t>(rows.size()), width, info_.hidden_size};
    ResponseWriter writer(&response_, &ticket_, /*max_bytes=*/1 << 20);
    const absl::Status reserved = ReserveEncoderOutputs(info_, names, sizes, &writer);
    if (!reserved.ok()) return reserved;
    return WriteEncoderOutputs(info_, names, sizes, {.kept_columns = kept, .texts = texts_}, rows,
                               &writer);
  }

  ModelInfo info_;
  AdmissionGate::Ticket ticket_;
  inference::ModelInferResponse response_;
  std::vector<absl::string_view> texts_;
};

TEST_F(EncoderOutputsTest, TokenClassification) {
  info_.kind = ModelKind::kTokenClassification;
  info_.labels = {"O", "B-PER"};
  std::vector<EncodedRow> rows(2);
  rows[0].encoding.ids = {1, 2};
  rows[0].encoding.sequence = {0, 0};
  rows[0].encoding.offsets = {{0, 3}, {4, 7}};
  rows[0].result.logits = {0, 9, 9, 0};
  rows[1].encoding.ids = {1};
  rows[1].encoding.sequence = {0};
  rows[1].encoding.offsets = {{0, 1}};
  rows[1].result.logits = {9, 0};
  texts_ = {"Ann ran", "x"};
  ASSERT_TRUE(Write({"entities", "logits"}, 2, rows).ok());
  const std::vector<std::string> entities = OutputText(response_, "entities");
  ASSERT_EQ(entities.size(), 2u);
  EXPECT_THAT(entities[0], ::testing::StartsWith(R"([{"start":0,"end":3,"label":"PER","score":)"));
  EXPECT_THAT(entities[0], ::testing::EndsWith(R"("text":"Ann"}])"));
  EXPECT_EQ(entities[1], "[]");
  EXPECT_THAT(OutputShape(response_, "logits"), ElementsAre(2, 2, 2));
  EXPECT_THAT(OutputValues<float>(response_, "logits"), ElementsAre(0, 9, 9, 0, 9, 0, 0, 0));
}

TEST_F(EncoderOutputsTest, RowsOfDifferentLengthsArePadded) {
  ASSERT_TRUE(Write({"input_ids", "last_hidden_state", "attentions"}, 2,
                    {MakeRow(info_, 2, 10), MakeRow(info_, 1, 50)})
                  .ok());
  EXPECT_THAT(OutputShape(response_, "input_ids"), ElementsAre(2, 2));
  EXPECT_THAT(OutputValues<int64_t>(response_, "input_ids"), ElementsAre(10, 11, 50, -1));
  EXPECT_THAT(OutputShape(response_, "last_hidden_state"), ElementsAre(2, 2, 2));
  EXPECT_THAT(OutputValues<float>(response_, "last_hidden_state"),
              ElementsAre(10, 11, 12, 13, 50, 51, 0, 0));
  EXPECT_THAT(OutputShape(response_, "attentions"), ElementsAre(2, 1, 2, 2, 2));
  EXPECT_THAT(OutputValues<float>(response_, "attentions"),
              ElementsAre(10, 11, 12, 13, 14, 15, 16, 17, 50, 0, 0, 0, 51, 0, 0, 0));
}

TEST_F(EncoderOutputsTest, MaskedColumnsAreLeftFree) {
  ASSERT_TRUE(
      Write({"input_ids", "last_hidden_state", "attentions"}, 3, {MakeRow(info_, 2, 10)}, {{0, 2}})
          .ok());
  EXPECT_THAT(OutputValues<int64_t>(response_, "input_ids"), ElementsAre(10, -1, 11));
  EXPECT_THAT(OutputValues<float>(response_, "last_hidden_state"),
              ElementsAre(10, 11, 0, 0, 12, 13));
  EXPECT_THAT(OutputValues<float>(response_, "attentions"),
              ElementsAre(10, 0, 11, 0, 0, 0, 12, 0, 13, 14, 0, 15, 0, 0, 0, 16, 0, 17));
}

TEST_F(EncoderOutputsTest, Classification) {
  std::vector<EncodedRow> rows(2);
  rows[0].result.logits = {0, 0.5f};
  rows[1].result.logits = {3, 1};
  ASSERT_TRUE(Write({"label", "score", "probabilities", "logits"}, 0, rows).ok());
  EXPECT_THAT(OutputText(response_, "label"), ElementsAre("good", "bad"));
  // Softmax of a difference d is 1 / (1 + exp(-d)).
  const float half = 1 / (1 + std::exp(-0.5f)), two = 1 / (1 + std::exp(-2.0f));
  EXPECT_THAT(OutputValues<float>(response_, "score"),
              ElementsAre(FloatNear(half, 1e-6f), FloatNear(two, 1e-6f)));
  EXPECT_THAT(OutputValues<float>(response_, "probabilities"),
              ElementsAre(FloatNear(1 - half, 1e-6f), FloatNear(half, 1e-6f), FloatNear(two, 1e-6f),
                          FloatNear(1 - two, 1e-6f)));
  EXPECT_THAT(OutputValues<float>(response_, "logits"), ElementsAre(0, 0.5f, 3, 1));
}

TEST_F(EncoderOutputsTest, MultiLabelScoresAreIndependent) {
  info_.score_function = ScoreFunction::kSigmoid;
  std::vector<EncodedRow> rows(1);
  rows[0].result.logits = {0, 0};
  ASSERT_TRUE(Write({"probabilities"}, 0, rows).ok());
  EXPECT_THAT(OutputValues<float>(response_, "probabilities"), ElementsAre(0.5f, 0.5f));
}

TEST_F(EncoderOutputsTest, NoRows) {
  ASSERT_TRUE(Write({"label", "score", "attentions"}, 0, {}).ok());
  EXPECT_THAT(OutputShape(response_, "label"), ElementsAre(0));
  EXPECT_THAT(OutputShape(response_, "attentions"), ElementsAre(0, 1, 2, 0, 0));
  EXPECT_EQ(response_.raw_output_contents_size(), 3);
}

TEST_F(EncoderOutputsTest, WhatIsTooLargeIsRefusedByName) {
  const EncoderOutputSizes sizes = {4096, 512, 2};
  ResponseWriter writer(&response_, &ticket_, /*max_bytes=*/1 << 20);
  EXPECT_THAT(ReserveEncoderOutputs(info_, {"score", "attentions"}, sizes, &writer),
              IsFieldError("outputs.attentions", Words{"[4096, 1, 2, 512, 512]"}));
}

TEST_F(EncoderOutputsTest, ResultsOfTheWrongSizeAreABug) {
  EncodedRow row = MakeRow(info_, 2, 0);
  row.result.attentions.pop_back();
  EXPECT_EQ(Write({"attentions"}, 2, {row}).code(), absl::StatusCode::kInternal);
  row.result.hidden_state.clear();
  EXPECT_EQ(Write({"last_hidden_state"}, 2, {row}).code(), absl::StatusCode::kInternal);
  EXPECT_EQ(Write({"logits"}, 2, {row}).code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace attentiond
