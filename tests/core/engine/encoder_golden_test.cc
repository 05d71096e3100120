// The encoders of tests/golden through the engine, against PyTorch: each text alone, and all of
// them in one batch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "core/engine/model.h"
#include "tests/testing/expect_near.h"
#include "tests/testing/golden_model.h"

namespace attentiond {
namespace {

using ::attentiond::testing::ExpectNear;
using ::attentiond::testing::GoldenModel;
using nlohmann::json;

// A golden case as a row. Owns what the row borrows.
struct Row {
  explicit Row(const json& golden_case)
      : source(golden_case), ids(golden_case.at("input_ids").get<std::vector<int32_t>>()) {
    if (golden_case.contains("token_type_ids")) {
      type_ids = golden_case.at("token_type_ids").get<std::vector<int32_t>>();
    }
  }
  EncoderRow encoder_row() const {
    EncoderRow row;
    row.ids = ids;
    row.type_ids = type_ids;
    row.want_logits = source.contains("logits");
    row.want_embedding = source.contains("mean_pooled_normalized");
    row.want_hidden_state = true;
    return row;
  }

  const json& source;
  std::vector<int32_t> ids, type_ids;
};

class EncoderGoldenTest : public ::testing::TestWithParam<const char*> {
 protected:
  EncoderGoldenTest() : golden_(GetParam()) {
    for (const json& golden_case : golden_.cases()) cases_.emplace_back(golden_case);
  }

  std::shared_ptr<const Model> Load(LoadOptions::Precision precision) {
    auto model = LoadModel(golden_.directory(), {.precision = precision});
    EXPECT_TRUE(model.ok()) << model.status();
    return *std::move(model);
  }

  std::vector<EncoderRowResult> Run(const Model& model, const std::vector<EncoderRow>& rows) {
    for (const EncoderRow& row : rows) {
      const absl::Status valid = model.AsTextEncoder()->Validate(row);
      EXPECT_TRUE(valid.ok()) << valid;
    }
    std::vector<EncoderRowResult> results;
    const absl::Status status = model.AsTextEncoder()->Run(rows, context_, &results);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(results.size(), rows.size());
    return results;
  }

  void ExpectGolden(const EncoderRowResult& result, const Row& row, float tolerance) {
    const std::string name = row.source.at("name");
    ExpectNear(result.hidden_state, golden_.array(row.source, "last_hidden_state"), tolerance,
               name + " hidden state");
    if (row.source.contains("logits")) {
      ExpectNear(result.logits, row.source.at("logits").get<std::vector<float>>(), tolerance,
                 name + " logits");
    } else {
      const char* pooling = row.ids.size() % 2 == 0 ? "mean_pooled_normalized" : "cls_normalized";
      ExpectNear(result.embedding, row.source.at(pooling).get<std::vector<float>>(), tolerance,
                 name + " embedding");
    }
  }

  // Rows of even length by the mean, of odd length by their first token.
  EncoderRow RowOf(const Row& row) {
    EncoderRow encoder_row = row.encoder_row();
    if (row.ids.size() % 2 == 1) encoder_row.pooling = Pooling::kCls;
    return encoder_row;
  }

  const GoldenModel golden_;
  std::vector<Row> cases_;
  ThreadPool threads_{2};
  ExecutionContext context_{&threads_};
};

TEST_P(EncoderGoldenTest, EachAlone) {
  const auto model = Load(LoadOptions::Precision::kF32);
  for (const Row& row : cases_) {
    EncoderRow encoder_row = RowOf(row);
    ExpectGolden(Run(*model, {encoder_row})[0], row, golden_.tolerance());
    encoder_row.want_attentions = true;
    const EncoderRowResult explained = Run(*model, {encoder_row})[0];
    ExpectGolden(explained, row, golden_.tolerance());
    ExpectNear(explained.attentions, golden_.array(row.source, "attentions"), golden_.tolerance(),
               "attentions");
  }
}

TEST_P(EncoderGoldenTest, AllInOneShuffledBatch) {
  const auto model = Load(LoadOptions::Precision::kF32);
  std::mt19937 generator(7);
  for (int round = 0; round < 3; ++round) {
    std::vector<size_t> order;
    for (size_t i = 0; i < 3 * cases_.size(); ++i) order.push_back(i % cases_.size());
    std::shuffle(order.begin(), order.end(), generator);
    std::vector<EncoderRow> rows;
    for (const size_t index : order) {
      rows.push_back(RowOf(cases_[index]));
      rows.back().want_attentions = generator() % 2 == 0;
    }
    const std::vector<EncoderRowResult> results = Run(*model, rows);
    for (size_t i = 0; i < order.size(); ++i) {
      const Row& row = cases_[order[i]];
      ExpectGolden(results[i], row, golden_.tolerance());
      if (rows[i].want_attentions) {
        ExpectNear(results[i].attentions, golden_.array(row.source, "attentions"),
                   golden_.tolerance(), "attentions");
      } else {
        EXPECT_TRUE(results[i].attentions.empty());
      }
    }
  }
}

// What needs no token but the first leaves the others out of the last layer.
TEST_P(EncoderGoldenTest, FirstTokensAlone) {
  const auto model = Load(LoadOptions::Precision::kF32);
  std::vector<EncoderRow> rows;
  for (const Row& row : cases_) {
    rows.push_back(row.encoder_row());
    rows.back().want_hidden_state = false;
    rows.back().pooling = Pooling::kCls;
  }
  const std::vector<EncoderRowResult> results = Run(*model, rows);
  for (size_t i = 0; i < rows.size(); ++i) {
    const json& source = cases_[i].source;
    const bool classifies = source.contains("logits");
    ExpectNear(classifies ? results[i].logits : results[i].embedding,
               source.at(classifies ? "logits" : "cls_normalized").get<std::vector<float>>(),
               golden_.tolerance(), source.at("name"));
  }
}

// The tolerance above allows a row to depend on its neighbours a little; this does not.
TEST_P(EncoderGoldenTest, ABatchEqualsItsRowsAlone) {
  const auto model = Load(LoadOptions::Precision::kF32);
  std::vector<EncoderRow> rows;
  for (const Row& row : cases_) rows.push_back(RowOf(row));
  const std::vector<EncoderRowResult> together = Run(*model, rows);
  for (size_t i = 0; i < rows.size(); ++i) {
    const EncoderRowResult alone = Run(*model, {rows[i]})[0];
    // Sums over up to 128 channels may be split in another way for another number of rows: 128
    // roundings of 2^-24 of values of order 1, over the depth of three layers.
    constexpr float kRounding = 3 * 128.0f / (1 << 24);
    ExpectNear(together[i].hidden_state, alone.hidden_state, kRounding, "hidden state");
    ExpectNear(together[i].logits, alone.logits, kRounding, "logits");
    ExpectNear(together[i].embedding, alone.embedding, kRounding, "embedding");
  }
}

TEST_P(EncoderGoldenTest, TextThroughTheTokenizer) {
  const auto model = Load(LoadOptions::Precision::kF32);
  const Tokenizer* tokenizer = model->AsTextEncoder()->tokenizer();
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(model->info().tokenizer, "tokenizer.json");
  const EncodeOptions options{.max_length = model->info().max_length};
  for (const Row& row : cases_) {
    const auto text = row.source.at("text").get<std::string>();
    std::optional<std::string> pair;
    if (row.source.contains("pair")) pair = row.source.at("pair").get<std::string>();
    const auto encoding = tokenizer->Encode(
        text, pair ? std::make_optional<absl::string_view>(*pair) : std::nullopt, options);
    ASSERT_TRUE(encoding.ok()) << encoding.status();
    EXPECT_EQ(encoding->ids, row.ids) << text;
    EncoderRow encoder_row = RowOf(row);
    encoder_row.ids = encoding->ids;
    if (model->info().type_vocab_size > 0) encoder_row.type_ids = encoding->type_ids;
    ExpectGolden(Run(*model, {encoder_row})[0], row, golden_.tolerance());
  }
}

TEST_P(EncoderGoldenTest, InBFloat16) {
  if (!DescribePlatform().has_bf16) GTEST_SKIP() << "this processor does not multiply bf16";
  const auto model = Load(LoadOptions::Precision::kBF16);
  EXPECT_EQ(model->info().compute, DType::kBF16);
  // A value is rounded about eight times a layer (weights, projections, probabilities, sums and
  // norms), independently, each time by 2^-9 of it in the root mean square (the most is 2^-8), so
  // that the errors of L layers add up to sqrt(8 L) roundings. Norms keep values at order 1. The
  // worst of some thousand values is four standard deviations off, and twice the usual size.
  const float roundings = std::sqrt(8.0f * static_cast<float>(model->info().num_layers));
  const float tolerance = 4 * 2 * roundings / 512;
  std::vector<EncoderRow> rows;
  for (const Row& row : cases_) rows.push_back(RowOf(row));
  const std::vector<EncoderRowResult> results = Run(*model, rows);
  for (size_t i = 0; i < rows.size(); ++i) ExpectGolden(results[i], cases_[i], tolerance);
}

TEST_P(EncoderGoldenTest, PositionsMayBeGiven) {
  const auto model = Load(LoadOptions::Precision::kF32);
  const Row& row = cases_.front();
  EncoderRow encoder_row = RowOf(row);
  std::vector<int32_t> positions(row.ids.size());
  std::iota(positions.begin(), positions.end(), 0);
  encoder_row.positions = positions;
  ExpectGolden(Run(*model, {encoder_row})[0], row, golden_.tolerance());
  // Other positions are another text, whatever its neighbours' positions are.
  std::vector<int32_t> moved = positions;
  for (int32_t& position : moved) position += 100;
  EncoderRow moved_row = encoder_row;
  moved_row.positions = moved;
  const std::vector<EncoderRowResult> both = Run(*model, {moved_row, encoder_row});
  EXPECT_NE(both[0].hidden_state, both[1].hidden_state);
  ExpectGolden(both[1], row, golden_.tolerance());
}

TEST_P(EncoderGoldenTest, ShortestAndLongestRows) {
  const auto model = Load(LoadOptions::Precision::kF32);
  const int64_t max_length = model->info().max_length;
  EXPECT_EQ(max_length, 128);
  const std::vector<int32_t> one = {2};
  const std::vector<int32_t> most(static_cast<size_t>(max_length), 7);
  EncoderRow shortest, longest;
  shortest.ids = one;
  longest.ids = most;
  shortest.want_hidden_state = longest.want_hidden_state = true;
  shortest.want_attentions = longest.want_attentions = true;
  const std::vector<EncoderRowResult> results = Run(*model, {longest, shortest});
  const auto [heads, layers] = std::pair(model->info().num_heads, model->info().num_layers);
  EXPECT_EQ(results[0].attentions.size(),
            static_cast<size_t>(layers * heads * max_length * max_length));
  EXPECT_THAT(results[1].attentions, ::testing::Each(1.0f));
  EXPECT_EQ(results[1].attentions.size(), static_cast<size_t>(layers * heads));
  EXPECT_EQ(results[1].hidden_state.size(), static_cast<size_t>(model->info().hidden_size));
}

INSTANTIATE_TEST_SUITE_P(Golden, EncoderGoldenTest,
                         ::testing::Values("bert-classify", "distilbert-classify", "bert-embed"));

}  // namespace
}  // namespace attentiond
