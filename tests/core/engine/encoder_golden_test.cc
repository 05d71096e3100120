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
    row.want_embedding = source.contains("mean_pooled_normalized");
    row.want_logits = !row.want_embedding;
    row.want_hidden_state = true;
    return row;
  }
  /// Made by the checkpoint's own modules, which a request cannot choose.
  bool has_own_embedding() const { return source.contains("embedding"); }

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
    } else if (golden_.has(row.source, "logits")) {
      ExpectNear(result.logits, golden_.array(row.source, "logits"), tolerance,
                 name + " logits of tokens");
    } else if (row.has_own_embedding()) {
      ExpectNear(result.embedding, row.source.at("embedding").get<std::vector<float>>(), tolerance,
                 name + " embedding");
    } else {
      const char* pooling = row.ids.size() % 2 == 0 ? "mean_pooled_normalized" : "cls_normalized";
      ExpectNear(result.embedding, row.source.at(pooling).get<std::vector<float>>(), tolerance,
                 name + " embedding");
    }
  }

  void ExpectGoldenAttentions(const EncoderRowResult& result, const Row& row) {
    if (!golden_.has(row.source, "attentions")) return;  // of the longest
    ExpectNear(result.attentions, golden_.array(row.source, "attentions"), golden_.tolerance(),
               row.source.at("name").get<std::string>() + " attentions");
  }

  // Rows of even length by the mean, of odd length by their first token.
  EncoderRow RowOf(const Row& row) {
    EncoderRow encoder_row = row.encoder_row();
    if (row.has_own_embedding()) return encoder_row;
    encoder_row.pooling = row.ids.size() % 2 == 1 ? Pooling::kCls : Pooling::kMean;
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
    ExpectGoldenAttentions(explained, row);
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
        ExpectGoldenAttentions(results[i], row);
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
    if (row.has_own_embedding()) GTEST_SKIP() << "its embeddings take all tokens";
    rows.back().pooling = Pooling::kCls;
  }
  const std::vector<EncoderRowResult> results = Run(*model, rows);
  for (size_t i = 0; i < rows.size(); ++i) {
    const json& source = cases_[i].source;
    const bool classifies = source.contains("logits");
    if (!classifies && !source.contains("cls_normalized")) continue;
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

TEST_P(EncoderGoldenTest, ARowHasTheSameBitsInEveryBatch) {
  const auto model = Load(LoadOptions::Precision::kF32);
  std::vector<EncoderRow> rows;
  for (const Row& row : cases_) rows.push_back(RowOf(row));
  const std::vector<EncoderRowResult> together = Run(*model, rows);
  ThreadPool one_thread(1);
  ExecutionContext one(&one_thread);
  for (size_t i = 0; i < rows.size(); ++i) {
    std::vector<EncoderRowResult> alone;
    ASSERT_TRUE(model->AsTextEncoder()->Run({&rows[i], 1}, one, &alone).ok());
    EXPECT_TRUE(together[i].hidden_state == alone[0].hidden_state) << "row " << i;
    EXPECT_TRUE(together[i].logits == alone[0].logits) << "row " << i;
    EXPECT_TRUE(together[i].embedding == alone[0].embedding) << "row " << i;
  }
}

TEST_P(EncoderGoldenTest, TextThroughTheTokenizer) {
  const auto model = Load(LoadOptions::Precision::kF32);
  const Tokenizer* tokenizer = model->AsTextEncoder()->tokenizer();
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(model->info().tokenizer, "tokenizer.json");
  const EncodeOptions options{.max_length = model->info().max_length, .truncate = true};
  for (const Row& row : cases_) {
    if (!row.source.contains("text")) continue;
    const auto text = model->info().prompts.count(row.source.value("prompt", "")) == 0
                          ? row.source.at("text").get<std::string>()
                          : model->info().prompts.at(row.source.value("prompt", "")) +
                                row.source.at("text").get<std::string>();
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
  // Other distances are another text, whatever its neighbours' are.
  std::vector<int32_t> moved = positions;
  for (size_t i = 3; i < moved.size(); ++i) moved[i] += 5;
  EncoderRow moved_row = encoder_row;
  moved_row.positions = moved;
  const std::vector<EncoderRowResult> both = Run(*model, {moved_row, encoder_row});
  EXPECT_NE(both[0].hidden_state, both[1].hidden_state);
  ExpectGolden(both[1], row, golden_.tolerance());
}

// A mask takes tokens out; the others stay where they are.
TEST_P(EncoderGoldenTest, PositionsOfARowWithGaps) {
  if (!golden_.description().contains("masked")) GTEST_SKIP() << "has no masked case";
  const auto model = Load(LoadOptions::Precision::kF32);
  const json& masked = golden_.description().at("masked");
  const Row all(masked);
  const auto mask = masked.at("attention_mask").get<std::vector<int>>();
  std::vector<int32_t> ids, types, positions;
  for (size_t column = 0; column < mask.size(); ++column) {
    if (mask[column] == 0) continue;
    ids.push_back(all.ids[column]);
    if (!all.type_ids.empty()) types.push_back(all.type_ids[column]);
    positions.push_back(static_cast<int32_t>(column));
  }
  EncoderRow gaps;
  gaps.ids = ids;
  if (model->info().type_vocab_size > 0) gaps.type_ids = types;
  gaps.positions = positions;
  gaps.want_hidden_state = true;
  const auto longest =
      std::max_element(cases_.begin(), cases_.end(),
                       [](const Row& a, const Row& b) { return a.ids.size() < b.ids.size(); });
  const std::vector<EncoderRowResult> results =
      Run(*model, {RowOf(cases_[0]), gaps, RowOf(cases_[1]), RowOf(*longest)});
  EXPECT_TRUE(results[3].hidden_state == Run(*model, {RowOf(*longest)})[0].hidden_state);
  ExpectNear(results[1].hidden_state, golden_.array(masked, "last_hidden_state"),
             golden_.tolerance(), "masked");
  ExpectGolden(results[0], cases_[0], golden_.tolerance());
  ExpectGolden(results[2], cases_[1], golden_.tolerance());
}

TEST_P(EncoderGoldenTest, ShortestAndLongestRows) {
  const auto model = Load(LoadOptions::Precision::kF32);
  const int64_t max_length = model->info().max_length;
  EXPECT_GE(max_length, 64);
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

std::string NameOf(const ::testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Golden, EncoderGoldenTest,
                         ::testing::Values("bert-classify", "distilbert-classify", "bert-embed",
                                           "roberta-classify", "xlmr-embed", "camembert-classify",
                                           "camembert-tokens", "bert-tokens", "distilbert-tokens",
                                           "bert-multilabel", "bert-regression", "bert-rerank",
                                           "bert-sentences", "electra-classify", "electra-tokens",
                                           "albert-classify", "albert-embed", "mpnet-classify",
                                           "mpnet-embed", "deberta-v2-classify", "deberta-v2-plain",
                                           "deberta-v3-tokens", "modernbert-classify",
                                           "modernbert-tokens"),
                         NameOf);

}  // namespace
}  // namespace attentiond
