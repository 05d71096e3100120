#include "core/engine/encoder_row_validation.h"

#include <gtest/gtest.h>

#include <limits>

namespace attentiond {
namespace {

class EncoderRowValidationTest : public ::testing::Test {
 protected:
  EncoderRowValidationTest() {
    info_.kind = ModelKind::kSequenceClassification;
    info_.hidden_size = info_.embedding_size = info_.chosen_embedding_size = 24;
    info_.max_length = 4;
    info_.vocab_size = 50;
    info_.type_vocab_size = 2;
    row_.ids = ids_;
  }

  void ExpectRefused(const std::string& message) {
    EXPECT_EQ(ValidateEncoderRow(row_, info_), absl::InvalidArgumentError(message));
  }

  ModelInfo info_;
  EncoderRow row_;
  std::vector<int32_t> ids_ = {0, 49, 7};
  std::vector<int32_t> more_;
};

TEST_F(EncoderRowValidationTest, TakesTheExtremesOfEveryRange) {
  EXPECT_TRUE(ValidateEncoderRow(row_, info_).ok());
  const std::vector<int32_t> types = {0, 1, 1};
  const std::vector<int32_t> positions = {3, 0, 3};
  row_.type_ids = types;
  row_.positions = positions;
  row_.dimensions = 24;
  row_.want_logits = row_.want_embedding = row_.want_hidden_state = row_.want_attentions = true;
  EXPECT_TRUE(ValidateEncoderRow(row_, info_).ok());
  ids_ = {1, 2, 3, 4};
  row_.ids = ids_;
  row_.type_ids = row_.positions = {};
  EXPECT_TRUE(ValidateEncoderRow(row_, info_).ok());
}

TEST_F(EncoderRowValidationTest, RefusesLengths) {
  row_.ids = {};
  ExpectRefused("input_ids has 0 tokens, 1 to 4 are required");
  more_.assign(5, 1);
  row_.ids = more_;
  ExpectRefused("input_ids has 5 tokens, 1 to 4 are required");
}

TEST_F(EncoderRowValidationTest, RefusesIdsOutOfRange) {
  ids_[1] = 50;
  ExpectRefused("input_ids[1] is 50, 0 to 49 is required");
  ids_[1] = std::numeric_limits<int32_t>::min();
  ExpectRefused("input_ids[1] is -2147483648, 0 to 49 is required");
}

TEST_F(EncoderRowValidationTest, RefusesTypesAndPositionsOutOfRange) {
  more_ = {0, 0, 2};
  row_.type_ids = more_;
  ExpectRefused("token_type_ids[2] is 2, 0 to 1 is required");
  row_.type_ids = {};
  more_ = {0, 4, 1};
  row_.positions = more_;
  ExpectRefused("position_ids[1] is 4, 0 to 3 is required");
  more_ = {-1, 0, 1};
  ExpectRefused("position_ids[0] is -1, 0 to 3 is required");
  more_ = {0, 1};
  row_.positions = more_;
  ExpectRefused("position_ids has 2 values, as many as input_ids, 3, are required");
  row_.positions = {};
  row_.type_ids = more_;
  ExpectRefused("token_type_ids has 2 values, as many as input_ids, 3, are required");
}

TEST_F(EncoderRowValidationTest, RefusesTypesOfAModelWithoutThem) {
  info_.type_vocab_size = 0;
  EXPECT_TRUE(ValidateEncoderRow(row_, info_).ok());
  more_ = {0, 0, 0};
  row_.type_ids = more_;
  ExpectRefused("token_type_ids is given, none is required: the model has no token types");
}

TEST_F(EncoderRowValidationTest, RefusesWhatTheModelCannotGive) {
  row_.dimensions = 25;
  ExpectRefused("dimensions is 25, 0 to 24 is required");
  row_.dimensions = -1;
  ExpectRefused("dimensions is -1, 0 to 24 is required");
  row_.dimensions = 0;
  row_.want_logits = true;
  info_.kind = ModelKind::kEmbedding;
  ExpectRefused("logits are asked for, a model with a classification head is required");
}

TEST_F(EncoderRowValidationTest, RefusesAPoolingThatDoesNotFitTheProjection) {
  info_.kind = ModelKind::kEmbedding;
  info_.embedding_size = 40;
  info_.chosen_embedding_size = 0;
  row_.want_embedding = true;
  row_.dimensions = 40;
  EXPECT_TRUE(ValidateEncoderRow(row_, info_).ok());
  row_.dimensions = 41;
  ExpectRefused("dimensions is 41, 0 to 40 is required");
  row_.dimensions = 0;
  row_.pooling = Pooling::kMean;
  ExpectRefused(
      "pooling is chosen, none is required: the model projects what its own pooling makes");
}

TEST_F(EncoderRowValidationTest, TokenClassifiersGiveLogits) {
  info_.kind = ModelKind::kTokenClassification;
  row_.want_logits = true;
  EXPECT_TRUE(ValidateEncoderRow(row_, info_).ok());
}

}  // namespace
}  // namespace attentiond
